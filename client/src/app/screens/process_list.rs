//! The process list: its filter, selection, scroll position and the places of its rows.
//!
//! Processes that are equal in what the list is sorted by keep their places, so that the eye finds again what it has seen:
//! who has run goes before those that have not for as long, and the others stay where they are.
//!
//! The selection is a process, not a row: when the list is sorted anew it moves with its process. While
//! the keyboard moves it the list scrolls along; scrolling by the wheel lets go of it.

use std::collections::HashMap;

use socktop_proto::Fields;
use socktop_proto::model::Process;

use crate::catalog::process::Column;
use crate::catalog::sort::Sort;
use crate::state::Identity;

/// The process list as it is shown.
#[derive(Debug, Clone)]
pub struct ProcessList {
    /// What it is sorted by.
    pub sort: Sort,
    /// Only processes with this in their name, user or pid are shown.
    pub filter: String,
    /// Whether the filter is being typed.
    pub editing: bool,
    /// Whether the list stands still.
    pub frozen: bool,
    /// The process that keys act on.
    pub selected: Option<Identity>,
    /// The first row that is seen.
    pub offset: usize,
    /// Rows, as places in the sample.
    order: Vec<usize>,
    /// The places that processes have among all, by pid, since the list was last sorted by something else.
    places: HashMap<u32, usize>,
    /// The row that is or was selected.
    cursor: usize,
    /// Whether the list scrolls along with the selection.
    following: bool,
}

impl Default for ProcessList {
    fn default() -> Self {
        Self {
            sort: Sort::by(Column::Cpu),
            filter: String::new(),
            editing: false,
            frozen: false,
            selected: None,
            offset: 0,
            order: Vec::new(),
            places: HashMap::new(),
            cursor: 0,
            following: false,
        }
    }
}

impl ProcessList {
    /// What it needs of each process besides what its columns show.
    #[must_use]
    pub fn fields(&self) -> Fields {
        // The pid and the start are a process's identity; the name is what its details begin with.
        let needed = Fields::PID | Fields::STARTED | Fields::NAME | self.sort.column.row().fields();
        if self.editing || !self.filter.is_empty() {
            needed | Fields::USER
        } else {
            needed
        }
    }

    /// How many processes pass the filter.
    #[must_use]
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether no process passes the filter.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// The rows from `first` on, as places in the sample.
    pub fn rows(&self, first: usize) -> impl Iterator<Item = usize> + '_ {
        self.order.iter().skip(first).copied()
    }

    /// The row that the selected process is in.
    #[must_use]
    pub fn selected_row(&self) -> Option<usize> {
        self.selected.map(|_| self.cursor)
    }

    /// Sorts and filters a sample of a machine of `cpus`, and finds the selected process in it.
    pub fn refresh(&mut self, processes: &[Process], cpus: u16) {
        let mut rows: Vec<(usize, &Process, String)> = processes
            .iter()
            .enumerate()
            .map(|(index, process)| (index, process, self.sort.text(process)))
            .collect();
        let place = |process: &Process| {
            let place = self.places.get(&process.pid).copied();
            (place.unwrap_or(usize::MAX), process.pid)
        };
        rows.sort_by(|(_, one, text), (_, other, others)| {
            self.sort
                .compare((one, text), (other, others), cpus)
                .then_with(|| place(one).cmp(&place(other)))
        });
        self.places.clear();
        let places = rows.iter().enumerate();
        self.places
            .extend(places.map(|(place, (_, process, _))| (process.pid, place)));
        // Who is not shown has a place all the same, to be found in again.
        let filter = self.filter.to_lowercase();
        rows.retain(|(_, process, _)| passes(process, &filter));
        if let Some(selected) = self.selected {
            let row = rows
                .iter()
                .position(|(_, process, _)| selected.matches(&Identity::from(*process)));
            match row {
                Some(row) => self.cursor = row,
                None => self.selected = None,
            }
        }
        self.order = rows.into_iter().map(|(index, ..)| index).collect();
    }

    /// Keeps the scroll position within the list, and the selection on the screen while it is followed.
    pub fn clamp_offset(&mut self, visible: usize) {
        self.cursor = self.cursor.min(self.order.len().saturating_sub(1));
        if self.following && self.selected.is_some() {
            let lowest = (self.cursor + 1).saturating_sub(visible);
            self.offset = self.offset.clamp(lowest, self.cursor.max(lowest));
        }
        self.offset = self.offset.min(self.order.len().saturating_sub(visible));
    }

    /// Selects the process in `row`, or the last one.
    pub fn select(&mut self, row: usize, processes: &[Process]) {
        let row = row.min(self.order.len().saturating_sub(1));
        let process = self.order.get(row).and_then(|&index| processes.get(index));
        self.selected = process.map(Identity::from);
        self.cursor = row;
        self.following = true;
    }

    /// Moves the selection by `rows`; the first move selects the first row that is seen, or goes on from
    /// where a process ended.
    pub fn step(&mut self, rows: isize, visible: usize, processes: &[Process]) {
        let on_screen = (self.offset..self.offset + visible.max(1)).contains(&self.cursor);
        let row = match self.selected {
            Some(_) => self.cursor.saturating_add_signed(rows),
            None if on_screen && self.following => self.cursor,
            None => self.offset,
        };
        self.select(row, processes);
    }

    /// Selects nothing.
    pub fn deselect(&mut self) {
        self.selected = None;
        self.following = false;
    }

    /// Scrolls by `rows`, whatever is selected.
    pub fn scroll(&mut self, rows: isize) {
        self.scroll_to(self.offset.saturating_add_signed(rows));
    }

    /// Scrolls so that `offset` is the first row.
    pub fn scroll_to(&mut self, offset: usize) {
        self.offset = offset;
        self.following = false;
    }

    /// Sorts by `column`; where that is so already, in the other direction.
    pub fn sort_by(&mut self, column: Column) {
        if self.sort.column == column {
            self.sort.descending = !self.sort.descending;
        } else {
            self.sort = Sort::by(column);
        }
        self.places.clear();
    }
}

/// `filter` is in lower case.
fn passes(process: &Process, filter: &str) -> bool {
    filter.is_empty()
        || process.name.to_lowercase().contains(filter)
        || process.user.to_lowercase().contains(filter)
        || process.pid.to_string().starts_with(filter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: u32, name: &str, cpu: Option<f32>) -> Process {
        Process {
            pid,
            name: name.to_owned(),
            user: "root".to_owned(),
            cpu_percent: cpu,
            started_boot_ms: Some(u64::from(pid)),
            ..Process::default()
        }
    }

    fn pids(list: &ProcessList, processes: &[Process]) -> Vec<u32> {
        list.rows(0).map(|index| processes[index].pid).collect()
    }

    #[test]
    fn unknown_values_come_last_in_both_directions() {
        let processes = [
            process(1, "a", None),
            process(2, "b", Some(f32::NAN)),
            process(3, "c", Some(1.0)),
            process(4, "d", Some(2.0)),
            process(5, "e", Some(1.0)),
        ];
        let mut list = ProcessList::default();
        list.refresh(&processes, 4);
        assert_eq!(pids(&list, &processes), [4, 3, 5, 1, 2]);
        list.sort_by(Column::Cpu);
        list.refresh(&processes, 4);
        assert_eq!(pids(&list, &processes), [3, 5, 4, 1, 2]);
    }

    #[test]
    fn values_shown_alike_sort_as_equal() {
        let processes = [
            process(1, "a", Some(0.0)),
            process(2, "b", Some(0.04)),
            process(3, "c", Some(0.06)),
            process(4, "d", Some(0.14)),
            process(5, "e", None),
        ];
        let mut list = ProcessList::default();
        list.refresh(&processes, 1);
        assert_eq!(pids(&list, &processes), [3, 4, 1, 2, 5]);
        // There, 0.06 % are much for one CPU.
        let mut list = ProcessList::default();
        list.refresh(&processes, 64);
        assert_eq!(pids(&list, &processes), [4, 3, 2, 1, 5]);
    }

    #[test]
    fn equals_keep_their_places() {
        let mut processes = ["a", "b", "c", "d", "e"].map(|name| process(0, name, Some(0.0)));
        for (pid, process) in (1..).zip(&mut processes) {
            process.pid = pid;
        }
        let mut list = ProcessList::default();
        let mut shown = |processes: &mut [Process], busy: &[(u32, f32)]| {
            for process in &mut *processes {
                let percent = busy.iter().find(|(pid, _)| *pid == process.pid);
                process.cpu_percent = Some(percent.map_or(0.0, |(_, percent)| *percent));
            }
            list.refresh(processes, 4);
            pids(&list, processes)
        };
        assert_eq!(shown(&mut processes, &[(4, 1.0)]), [4, 1, 2, 3, 5]);
        assert_eq!(shown(&mut processes, &[]), [4, 1, 2, 3, 5]);
        assert_eq!(shown(&mut processes, &[(2, 1.0)]), [2, 4, 1, 3, 5]);
        let both = [(4, 3.0), (2, 3.01)];
        assert_eq!(shown(&mut processes, &both), [2, 4, 1, 3, 5]);
        // A new one has no place yet.
        processes[0].pid = 9;
        assert_eq!(shown(&mut processes, &[]), [2, 4, 3, 5, 9]);
    }

    #[test]
    fn a_filter_changes_no_order() {
        let mut processes = [
            process(1, "a", Some(0.0)),
            process(2, "b", Some(0.0)),
            process(3, "c", Some(5.0)),
        ];
        let mut list = ProcessList::default();
        list.refresh(&processes, 4);
        processes[2].cpu_percent = Some(0.0);
        for (filter, expected) in [("b", vec![2]), ("", vec![3, 1, 2])] {
            list.filter = filter.to_owned();
            list.refresh(&processes, 4);
            assert_eq!(pids(&list, &processes), expected);
        }
        list.sort_by(Column::Memory);
        list.sort_by(Column::Cpu);
        list.refresh(&processes, 4);
        assert_eq!(pids(&list, &processes), [1, 2, 3]);
    }

    #[test]
    fn names_sort_without_regard_to_case() {
        let processes = [
            process(1, "Xorg", None),
            process(2, "bash", None),
            process(3, "", None),
        ];
        let mut list = ProcessList::default();
        list.sort_by(Column::Name);
        list.refresh(&processes, 4);
        assert_eq!(pids(&list, &processes), [2, 1, 3]);
    }

    #[test]
    fn the_selection_follows_its_process_and_the_list_follows_the_selection() {
        let mut processes: Vec<Process> = (0..50_u8)
            .map(|pid| process(pid.into(), "p", Some(f32::from(pid))))
            .collect();
        let mut list = ProcessList::default();
        list.refresh(&processes, 4);
        list.step(1, 10, &processes);
        assert_eq!(list.selected.unwrap().pid, 49);
        processes[49].cpu_percent = Some(0.5);
        list.refresh(&processes, 4);
        list.clamp_offset(10);
        assert_eq!(list.selected.unwrap().pid, 49);
        assert_eq!(list.selected_row(), Some(48));
        assert_eq!(list.offset, 39);

        list.scroll(-100);
        list.refresh(&processes, 4);
        list.clamp_offset(10);
        assert_eq!((list.offset, list.selected_row()), (0, Some(48)));
    }

    #[test]
    fn a_pid_used_again_is_not_selected() {
        let mut processes = [process(1, "a", None), process(2, "b", None)];
        let mut list = ProcessList::default();
        list.refresh(&processes, 4);
        list.select(1, &processes);
        processes[1].started_boot_ms = Some(77);
        list.refresh(&processes, 4);
        list.clamp_offset(10);
        assert_eq!(list.selected, None);
        list.step(1, 10, &processes);
        assert_eq!(
            list.selected.unwrap().started_boot_ms,
            Some(77),
            "goes on there"
        );
    }

    #[test]
    fn a_filter_looks_at_names_users_and_pids() {
        let processes = [process(1, "Nginx", None), process(21, "sshd", None)];
        let mut list = ProcessList::default();
        for (filter, expected) in [("NG", vec![1]), ("21", vec![21]), ("roo", vec![1, 21])] {
            list.filter = filter.to_owned();
            list.refresh(&processes, 4);
            assert_eq!(pids(&list, &processes), expected);
        }
    }

    #[test]
    fn an_empty_list_can_be_moved_in() {
        let mut list = ProcessList::default();
        list.step(5, 0, &[]);
        list.scroll(9);
        list.clamp_offset(0);
        assert_eq!((list.offset, list.selected), (0, None));
    }
}
