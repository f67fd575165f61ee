//! Lines at the head of a cell that are for the session: `:opt`, `:timing`, `:quit`. evcxr's other commands pass through.
//!
//! `:opt 3` above code compiles this cell with full optimisation, for loops written in the cell; on its own it holds for
//! all later cells. evcxr's `:opt` would rebuild every dependency, its `:timing` knows no phases, and its `:quit` ends the
//! host program.

/// What the head of a cell asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Switches {
    /// The optimisation level.
    pub opt: Option<char>,
    /// Print, or no longer print, the phases of each cell.
    pub timing: bool,
    /// What is wrong with the head, with its line.
    pub refused: Option<(usize, String)>,
}

const LEVELS: &str = "0123sz";

/// Reads the head; the code that is left has empty lines in place of it, so that line numbers stay.
pub fn read(cell: &str) -> (Switches, String) {
    let mut switches = Switches::default();
    let mut code = String::with_capacity(cell.len());
    let mut head = true;
    for (index, line) in cell.split_inclusive('\n').enumerate() {
        let words: Vec<&str> = line.split_whitespace().collect();
        // evcxr's own commands, shell lines and comments may stand between ours.
        head &= words.first().is_none_or(|word| [":", "!", "//"].iter().any(|start| word.starts_with(start)));
        let refuse = |what: String| Some((index + 1, what));
        match words.first().copied().filter(|_| head) {
            Some(":opt") => match words.get(1).and_then(|level| level.parse().ok()) {
                Some(level) if LEVELS.contains(level) && words.len() == 2 => switches.opt = Some(level),
                _ => {
                    switches.refused = refuse(format!(":opt takes one of 0 1 2 3 s z, got {:?}", words[1..].join(" ")))
                }
            },
            Some(":timing") => switches.timing = true,
            Some(":quit") => {
                switches.refused =
                    refuse(":quit would end the program that runs the cells; shut the kernel down".into());
            }
            _ => {
                code.push_str(line);
                continue;
            }
        }
        if line.ends_with('\n') {
            code.push('\n');
        }
    }
    (switches, code)
}

#[cfg(test)]
mod tests {
    use super::{Switches, read};

    #[test]
    fn a_switch_leaves_an_empty_line() {
        let opt = Switches { opt: Some('3'), ..Switches::default() };
        assert_eq!(read(":opt 3\nlet x = 1;\n"), (opt, "\nlet x = 1;\n".into()));
        let timing = Switches { timing: true, ..Switches::default() };
        assert_eq!(read("// a comment\n:vars\n:timing"), (timing, "// a comment\n:vars\n".into()));
    }

    #[test]
    fn below_the_first_line_of_code_nothing_is_a_switch() {
        let text = "let x = \"\n:quit\n\";";
        assert_eq!(read(text), (Switches::default(), text.into()));
    }

    #[test]
    fn a_wrong_level_and_quit_are_refused_with_their_line() {
        for (cell, line) in [("\n:opt 9", 2), (":opt", 1), (":quit", 1)] {
            assert_eq!(read(cell).0.refused.map(|(line, _)| line), Some(line), "{cell}");
        }
    }
}
