//! What becomes a `PluginError`, and of which category.

use std::error::Error;
use std::{fmt, io};

use ostler_worker::{Category, PluginError};

#[derive(Debug)]
struct Broken(io::Error);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the model is broken")
    }
}

impl Error for Broken {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

fn broken() -> Broken {
    Broken(io::Error::other("bad magic"))
}

#[test]
fn an_error_is_fatal_and_keeps_its_causes() {
    let error = PluginError::from(broken());
    assert_eq!((error.category(), error.message()), (Category::Fatal, "the model is broken: bad magic"));
}

#[test]
fn a_boxed_error_passes_with_a_question_mark() {
    fn load() -> Result<(), PluginError> {
        let loaded: Result<(), Box<dyn Error>> = Err(Box::new(broken()));
        loaded?;
        Ok(())
    }
    assert_eq!(load(), Err(PluginError::fatal("the model is broken: bad magic")));
}

#[test]
fn a_text_passes_with_a_question_mark() {
    fn pass(text: Result<(), impl Into<PluginError>>) -> Result<(), PluginError> {
        text.map_err(Into::into)
    }
    fn literal() -> Result<(), PluginError> {
        let found: Result<(), &str> = Err("no device");
        Ok(found?)
    }
    fn owned() -> Result<(), PluginError> {
        pass(Err("no device 3".to_owned()))
    }
    assert_eq!(literal(), Err(PluginError::fatal("no device")));
    assert_eq!(owned(), Err(PluginError::fatal("no device 3")));
}

#[test]
fn a_constructor_chooses_the_category_of_any_error() {
    let of = |error: PluginError| (error.category(), error.message().to_owned());
    let whole = || "the model is broken: bad magic".to_owned();
    let boxed = || -> Box<dyn Error> { Box::new(broken()) };
    assert_eq!(of(PluginError::input(broken())), (Category::Input, whole()));
    assert_eq!(of(PluginError::transient(boxed())), (Category::Transient, whole()));
    assert_eq!(of(PluginError::resource(PluginError::input(broken()))), (Category::Resource, whole()));
}
