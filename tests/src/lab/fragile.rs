//! Values that do harm in a worker when it reads or writes them.

use ostler::JobType;
use ostler::worker::{JobContext, Plugin, PluginError};
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::harm::segfault;

/// What goes wrong, and when.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Breakage {
    /// When it does.
    pub when: Moment,
    /// How it does.
    pub how: Harm,
}

/// When something goes wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Moment {
    /// While the worker reads the request.
    Reading,
    /// While it writes the result.
    Writing,
    /// Not at all: the answer is "whole".
    Never,
}

/// How it goes wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Harm {
    /// By an error.
    Error,
    /// By a panic.
    Panic,
    /// By the end of the process, with code 4.
    Exit,
    /// By a segmentation fault.
    Segfault,
}

impl JobType for Breakage {
    type Output = String;
}

impl Breakage {
    fn befall(self, when: Moment) -> Result<(), &'static str> {
        match self.how {
            _ if when != self.when => Ok(()),
            Harm::Error => Err("it is broken"),
            Harm::Panic => panic!("it is broken"),
            Harm::Exit => std::process::exit(4),
            Harm::Segfault => segfault(),
        }
    }
}

/// A plugin whose requests and results may break.
pub struct Fragile;

/// A request that may break while it is read.
pub struct Request(Breakage);

/// A result that may break while it is written.
pub struct Response(Breakage);

impl<'de> Deserialize<'de> for Request {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let breakage = Breakage::deserialize(deserializer)?;
        breakage.befall(Moment::Reading).map_err(D::Error::custom)?;
        Ok(Self(breakage))
    }
}

impl Serialize for Response {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.befall(Moment::Writing).map_err(S::Error::custom)?;
        serializer.serialize_str("whole")
    }
}

impl Plugin for Fragile {
    const NAME: &str = "fragile";
    type Config = ();
    type Request = Request;
    type Response = Response;

    fn load((): ()) -> Result<Self, PluginError> {
        Ok(Self)
    }

    fn execute(&mut self, request: Request, _: &JobContext) -> Result<Response, PluginError> {
        Ok(Response(request.0))
    }
}
