//! The nbformat 4.5 file: JSON in, JSON out. Figures stand on one line, so a changed figure is one changed line.

use super::{Cell, Kind, Marks, Notebook, numbers};
use crate::display::Bundle;
use crate::session::{Output, Stream, metadata};
use serde_json::{Map, Value, json};

/// The cells of an `.ipynb`, or the byte offset and the reason why it is none.
pub fn parse(text: &str) -> Result<Vec<Cell>, (usize, String)> {
    let value: Value = serde_json::from_str(text).map_err(|e| (offset(text, &e), format!("not JSON: {e}")))?;
    if value["nbformat"] != 4 {
        return Err((0, format!("expected a notebook of nbformat 4, got nbformat {}", value["nbformat"])));
    }
    let cells = value["cells"].as_array().ok_or((0, "expected a list `cells`".to_owned()))?;
    let list: Vec<Cell> =
        cells.iter().enumerate().map(|(index, cell)| parse_cell(index, cell)).collect::<Result<_, _>>()?;
    // Prose holds numbers where the chapter holds their places; the places come back, around what a person changed.
    let mut out = list.clone();
    for (read, cell) in cells.iter().zip(&mut out) {
        if let Some(template) = read["metadata"]["template"].as_str() {
            cell.source = numbers::restore(template, &cell.source, &list);
        }
    }
    Ok(out)
}

/// The prelude that made the outputs, as [`text`] wrote it.
pub fn environment(text: &str) -> Option<String> {
    let value: Value = serde_json::from_str(text).ok()?;
    Some(value["metadata"]["widemargin"]["prelude"].as_str()?.to_owned())
}

fn parse_cell(index: usize, cell: &Value) -> Result<Cell, (usize, String)> {
    let id = cell["id"].as_str().map_or_else(|| format!("cell-{}", index + 1), str::to_owned);
    let source = text_of(&cell["source"]);
    let metadata = &cell["metadata"];
    let alt = metadata["alt"].as_str().unwrap_or_default().to_owned();
    let marks = Marks {
        tolerance: metadata["tolerance"].as_str().map(str::to_owned),
        hide: metadata["jupyter"]["source_hidden"] == true,
        parameters: metadata["tags"].as_array().is_some_and(|tags| tags.iter().any(|tag| tag == "parameters")),
    };
    let kind = match cell["cell_type"].as_str() {
        Some("code") => {
            let outputs = cell["outputs"].as_array().map(Vec::as_slice).unwrap_or_default();
            Kind::Code {
                outputs: outputs.iter().filter_map(parse_output).collect(),
                count: cell["execution_count"].as_u64(),
                key: metadata["key"].as_str().unwrap_or_default().to_owned(),
            }
        }
        Some("markdown" | "raw") => Kind::Markdown,
        other => return Err((0, format!("cell {}: expected code, markdown or raw, got {other:?}", index + 1))),
    };
    Ok(Cell { id, source, alt, marks, kind })
}

/// Byte offset of a JSON error, from its line and column.
fn offset(text: &str, error: &serde_json::Error) -> usize {
    let before: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    before + error.column().saturating_sub(1)
}

/// nbformat's multi-line strings: one string or a list of lines.
fn text_of(value: &Value) -> String {
    match value {
        Value::Array(lines) => lines.iter().filter_map(Value::as_str).collect(),
        other => other.as_str().unwrap_or_default().to_owned(),
    }
}

fn parse_output(output: &Value) -> Option<Output> {
    let bundle = || {
        let data = output["data"].as_object()?;
        let content = |(mime, value): (&String, &Value)| {
            let value = if value.is_object() { value.clone() } else { text_of(value).into() };
            (mime.clone(), value)
        };
        Some(Bundle { data: data.iter().map(content).collect() })
    };
    match output["output_type"].as_str()? {
        "stream" => {
            let stream = if output["name"] == "stderr" { Stream::Stderr } else { Stream::Stdout };
            Some(Output::Text(stream, text_of(&output["text"])))
        }
        "execute_result" => Some(Output::Result(bundle()?)),
        "display_data" => Some(Output::Display(bundle()?)),
        _ => None,
    }
}

/// The file's text; `prelude` names the sources that made the outputs, if they are known.
pub fn text(notebook: &Notebook, prelude: Option<&str>) -> String {
    let cells: Vec<String> = notebook.cells.iter().map(|cell| cell_text(cell, &notebook.cells)).collect();
    let mut metadata = json!({
        "kernelspec": {"display_name": "Rust (widemargin)", "language": "rust", "name": "widemargin"},
        "language_info": {"file_extension": ".rs", "mimetype": "text/rust", "name": "rust", "pygments_lexer": "rust"},
    });
    if let Some(prelude) = prelude {
        metadata["widemargin"] = json!({ "prelude": prelude });
    }
    format!(
        "{{\n \"cells\": [\n{}\n ],\n \"metadata\": {metadata},\n \"nbformat\": 4,\n \"nbformat_minor\": 5\n}}\n",
        cells.join(",\n")
    )
}

fn cell_text(cell: &Cell, all: &[Cell]) -> String {
    let mut metadata = Map::new();
    let mut note = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            metadata.insert(name.into(), value);
        }
    };
    note("alt", (!cell.alt.is_empty()).then(|| cell.alt.clone().into()));
    note("tolerance", cell.marks.tolerance.clone().map(Value::from));
    note("jupyter", cell.marks.hide.then(|| json!({"source_hidden": true})));
    note("tags", cell.marks.parameters.then(|| json!(["parameters"])));
    let mut source = cell.source.clone();
    match &cell.kind {
        Kind::Code { key, .. } => note("key", (!key.is_empty()).then(|| key.clone().into())),
        Kind::Markdown => {
            source = numbers::fill(&cell.source, all).0;
            note("template", (source != cell.source).then(|| cell.source.clone().into()));
        }
    }
    let mut fields = vec![
        ("cell_type", json!(if cell.kind == Kind::Markdown { "markdown" } else { "code" }).to_string()),
        ("id", json!(cell.id).to_string()),
        ("metadata", Value::Object(metadata).to_string()),
        ("source", lines_text(&source)),
    ];
    if let Kind::Code { outputs, count, .. } = &cell.kind {
        fields.push(("execution_count", json!(count).to_string()));
        let outputs: Vec<String> =
            outputs.iter().filter_map(|output| Some(format!("    {}", output_value(output, *count)?))).collect();
        let list = if outputs.is_empty() { "[]".into() } else { format!("[\n{}\n   ]", outputs.join(",\n")) };
        fields.push(("outputs", list));
    }
    let fields: Vec<String> = fields.iter().map(|(key, value)| format!("   {key:?}: {value}")).collect();
    format!("  {{\n{}\n  }}", fields.join(",\n"))
}

fn lines_text(source: &str) -> String {
    let lines: Vec<String> = source.split_inclusive('\n').map(|line| format!("    {}", json!(line))).collect();
    if lines.is_empty() { "[]".into() } else { format!("[\n{}\n   ]", lines.join(",\n")) }
}

fn output_value(output: &Output, count: Option<u64>) -> Option<Value> {
    Some(match output {
        Output::Text(stream, text) => {
            let name = if *stream == Stream::Stdout { "stdout" } else { "stderr" };
            json!({"output_type": "stream", "name": name, "text": text})
        }
        Output::Result(bundle) => {
            json!({"output_type": "execute_result", "execution_count": count, "data": bundle.data, "metadata": metadata(bundle)})
        }
        Output::Display(bundle) | Output::Update(_, bundle) => {
            json!({"output_type": "display_data", "data": bundle.data, "metadata": metadata(bundle)})
        }
        // An order to a frontend, nothing to keep.
        Output::Clear { .. } => return None,
    })
}
