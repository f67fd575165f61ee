//! `widemargin run`: notebooks from top to bottom, with no Python and no Jupyter.

use crate::error::Result;
use crate::figure::plotly_js;
use crate::notebook::{Notebook, html, run, write_atomically};
use crate::session::sources;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

/// Execute notebooks and write each as .ipynb and as one self-contained HTML page.
#[derive(clap::Args)]
pub struct Run {
    /// Notebooks: paths, or names such as 01 or 01-fooled; all of notebooks/ if none is given.
    notebooks: Vec<String>,
    /// The folder for the executed notebooks and the pages.
    #[arg(long, value_name = "DIR", default_value = "target/notebooks")]
    out: PathBuf,
}

impl Run {
    /// Runs them; a failing cell ends its notebook, writes nothing of it and gives exit code 1.
    pub fn execute(self) -> Result<ExitCode> {
        let paths = super::choose(&self.notebooks, Path::new("notebooks"), "ipynb")?;
        // All are read before the first is run: a damaged file is found in milliseconds.
        let mut notebooks = paths.iter().map(|path| Notebook::read(path)).collect::<Result<Vec<_>>>()?;
        if notebooks.is_empty() {
            eprintln!("widemargin run: no notebook in notebooks/");
            return Ok(ExitCode::FAILURE);
        }
        let script = plotly_js();
        let mut failed = false;
        for notebook in &mut notebooks {
            let start = Instant::now();
            // Each notebook starts from nothing, as it does for its reader.
            let mut session = super::start_session()?;
            println!("{}: ready after {:.2} s", notebook.name, start.elapsed().as_secs_f64());
            if let Some(failure) = run(notebook, &mut session, &mut |line| println!("{line}"))? {
                eprintln!("widemargin run: {failure}");
                eprintln!("{}", failure.error.detail.trim_end());
                failed = true;
                continue;
            }
            notebook.write(&self.out.join(format!("{}.ipynb", notebook.name)), Some(&sources()))?;
            let page = self.out.join(format!("{}.html", notebook.name));
            write_atomically(&page, html(notebook, &script).as_bytes())?;
            println!("{}: {:.1} s, {}", notebook.name, start.elapsed().as_secs_f64(), page.display());
        }
        Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}
