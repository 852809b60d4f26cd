use std::collections::BTreeSet;
use std::mem;
use std::num::NonZeroU32;

/// Values that one page holds. A reader who walks page by page under a lock holds it for so many.
const PAGE: usize = 128;

/// Values, each in a spot that it keeps until it is taken out.
///
/// It grows and shrinks by pages: nothing is moved when there are many, and what a page took is given back when it is
/// empty. Low pages are filled first, so that high ones become empty.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    pages: Vec<Page<T>>,
    /// The pages that have room.
    open: BTreeSet<usize>,
    len: usize,
    /// How many values were looked at.
    #[cfg(test)]
    pub(crate) looks: std::cell::Cell<usize>,
}

/// Where a value is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Spot(NonZeroU32);

#[derive(Debug)]
struct Page<T> {
    cells: Vec<Cell<T>>,
    /// The first in the chain of vacant cells; `PAGE` ends it.
    vacant: u8,
    taken: usize,
}

#[derive(Debug)]
enum Cell<T> {
    Taken(T),
    /// The next one in the chain.
    Vacant(u8),
}

const END: u8 = PAGE as u8;

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self {
            pages: Vec::new(),
            open: BTreeSet::new(),
            len: 0,
            #[cfg(test)]
            looks: Default::default(),
        }
    }
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Self { cells: Vec::new(), vacant: END, taken: 0 }
    }
}

impl<T> Slab<T> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn insert(&mut self, value: T) -> Spot {
        let number = match self.open.first() {
            Some(&number) => number,
            None => {
                self.pages.push(Page::default());
                self.open.insert(self.pages.len() - 1);
                self.pages.len() - 1
            }
        };
        let page = &mut self.pages[number];
        // Whoever needs a second page needs all of it.
        if number > 0 && page.cells.is_empty() {
            page.cells.reserve_exact(PAGE);
        }
        let cell = page.insert(value);
        if page.taken == PAGE {
            self.open.remove(&number);
        }
        self.len += 1;
        Spot::new(number, cell)
    }

    pub(crate) fn get(&self, spot: Spot) -> Option<&T> {
        #[cfg(test)]
        self.looks.update(|looks| looks + 1);
        let (page, cell) = spot.parts();
        match self.pages.get(page)?.cells.get(cell)? {
            Cell::Taken(value) => Some(value),
            Cell::Vacant(_) => None,
        }
    }

    pub(crate) fn get_mut(&mut self, spot: Spot) -> Option<&mut T> {
        #[cfg(test)]
        self.looks.update(|looks| looks + 1);
        let (page, cell) = spot.parts();
        match self.pages.get_mut(page)?.cells.get_mut(cell)? {
            Cell::Taken(value) => Some(value),
            Cell::Vacant(_) => None,
        }
    }

    pub(crate) fn remove(&mut self, spot: Spot) -> Option<T> {
        let (number, cell) = spot.parts();
        let page = self.pages.get_mut(number)?;
        let value = page.remove(cell)?;
        self.len -= 1;
        if page.taken + 1 == PAGE {
            self.open.insert(number);
        }
        // The first page stays: a pool with one job at a time would make it for each.
        if page.taken == 0 && number > 0 {
            *page = Page::default();
        }
        Some(value)
    }

    /// How many pages there are; also empty ones are counted.
    pub(crate) fn pages(&self) -> usize {
        self.pages.len()
    }

    pub(crate) fn page_mut(&mut self, number: usize) -> impl Iterator<Item = &mut T> {
        let cells = self.pages.get_mut(number).into_iter().flat_map(|page| &mut page.cells);
        #[cfg(test)]
        let cells = cells.inspect(|_| self.looks.update(|looks| looks + 1));
        cells.filter_map(|cell| match cell {
            Cell::Taken(value) => Some(value),
            Cell::Vacant(_) => None,
        })
    }
}

impl<T> Page<T> {
    /// Adds a value to a page that has room.
    fn insert(&mut self, value: T) -> usize {
        self.taken += 1;
        let cell = usize::from(self.vacant);
        if let Some(vacant) = self.cells.get_mut(cell) {
            if let Cell::Vacant(next) = mem::replace(vacant, Cell::Taken(value)) {
                self.vacant = next;
            }
            return cell;
        }
        self.cells.push(Cell::Taken(value));
        self.cells.len() - 1
    }

    fn remove(&mut self, number: usize) -> Option<T> {
        let cell = self.cells.get_mut(number)?;
        if let Cell::Vacant(_) = cell {
            return None;
        }
        // A page has so few cells that their numbers fit.
        let Cell::Taken(value) = mem::replace(cell, Cell::Vacant(self.vacant)) else { return None };
        self.vacant = number as u8;
        self.taken -= 1;
        Some(value)
    }
}

impl Spot {
    fn new(page: usize, cell: usize) -> Self {
        // Nobody has memory for four thousand million jobs.
        let number = u32::try_from(page * PAGE + cell).unwrap_or(u32::MAX);
        Self(NonZeroU32::MIN.saturating_add(number))
    }

    fn parts(self) -> (usize, usize) {
        let number = self.0.get() as usize - 1;
        (number / PAGE, number % PAGE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_keeps_its_spot_and_a_spot_is_used_again() {
        let mut slab = Slab::default();
        let spots: Vec<Spot> = (0..3 * PAGE).map(|number| slab.insert(number)).collect();
        assert_eq!(slab.remove(spots[1]), Some(1));
        assert_eq!(slab.remove(spots[1]), None);
        assert_eq!((slab.get(spots[1]), slab.get(spots[2])), (None, Some(&2)));
        assert_eq!(slab.insert(7), spots[1]);
        assert_eq!((slab.len(), slab.pages()), (3 * PAGE, 3));
        assert!(
            spots.iter().enumerate().all(|(number, spot)| number == 1 || slab.get(*spot) == Some(&number))
        );
    }

    #[test]
    fn what_an_empty_page_took_is_given_back_and_low_pages_are_filled_first() {
        let mut slab = Slab::default();
        let spots: Vec<Spot> = (0..3 * PAGE).map(|number| slab.insert(number)).collect();
        for spot in &spots[PAGE..2 * PAGE] {
            slab.remove(*spot);
        }
        assert_eq!(slab.pages[1].cells.capacity(), 0);
        assert_eq!(slab.page_mut(1).count(), 0);
        slab.remove(spots[2 * PAGE]);
        assert_eq!(slab.insert(0), spots[PAGE]);
        assert_eq!(slab.page_mut(1).count(), 1);
    }

    #[test]
    fn what_is_known_of_a_cell_costs_nothing() {
        assert_eq!(
            size_of::<Cell<Box<u8>>>(),
            16,
            "a pointer has one spare value: the chain needs its own word"
        );
        assert_eq!(size_of::<Cell<(Box<u8>, u64)>>(), 16);
        assert_eq!(size_of::<Option<Spot>>(), 4);
    }
}
