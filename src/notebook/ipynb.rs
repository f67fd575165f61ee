//! The nbformat 4.5 file: JSON in, JSON out. Figures stand on one line, so a changed figure is one changed line.

use super::{Cell, Kind, Notebook};
use crate::display::Bundle;
use crate::session::{Output, Stream};
use serde_json::{Map, Value, json};

/// The cells of an `.ipynb`, or the byte offset and the reason why it is none.
pub fn parse(text: &str) -> Result<Vec<Cell>, (usize, String)> {
    let value: Value = serde_json::from_str(text).map_err(|e| (offset(text, &e), format!("not JSON: {e}")))?;
    if value["nbformat"] != 4 {
        return Err((0, format!("expected a notebook of nbformat 4, got nbformat {}", value["nbformat"])));
    }
    let cells = value["cells"].as_array().ok_or((0, "expected a list `cells`".to_owned()))?;
    cells.iter().enumerate().map(|(index, cell)| parse_cell(index, cell)).collect()
}

fn parse_cell(index: usize, cell: &Value) -> Result<Cell, (usize, String)> {
    let id = cell["id"].as_str().map_or_else(|| format!("cell-{}", index + 1), str::to_owned);
    let source = text_of(&cell["source"]);
    let alt = cell["metadata"]["alt"].as_str().unwrap_or_default().to_owned();
    let kind = match cell["cell_type"].as_str() {
        Some("code") => {
            let outputs = cell["outputs"].as_array().map(Vec::as_slice).unwrap_or_default();
            Kind::Code {
                outputs: outputs.iter().filter_map(parse_output).collect(),
                count: cell["execution_count"].as_u64(),
            }
        }
        Some("markdown" | "raw") => Kind::Markdown,
        other => return Err((0, format!("cell {}: expected code, markdown or raw, got {other:?}", index + 1))),
    };
    Ok(Cell { id, source, alt, kind })
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

/// The file's text.
pub fn text(notebook: &Notebook) -> String {
    let cells: Vec<String> = notebook.cells.iter().map(cell_text).collect();
    let metadata = json!({
        "kernelspec": {"display_name": "Rust (widemargin)", "language": "rust", "name": "widemargin"},
        "language_info": {"file_extension": ".rs", "mimetype": "text/rust", "name": "rust", "pygments_lexer": "rust"},
    });
    format!(
        "{{\n \"cells\": [\n{}\n ],\n \"metadata\": {metadata},\n \"nbformat\": 4,\n \"nbformat_minor\": 5\n}}\n",
        cells.join(",\n")
    )
}

fn cell_text(cell: &Cell) -> String {
    let mut metadata = Map::new();
    if !cell.alt.is_empty() {
        metadata.insert("alt".into(), cell.alt.clone().into());
    }
    let mut fields = vec![
        ("cell_type", json!(if cell.kind == Kind::Markdown { "markdown" } else { "code" }).to_string()),
        ("id", json!(cell.id).to_string()),
        ("metadata", Value::Object(metadata).to_string()),
        ("source", lines_text(&cell.source)),
    ];
    if let Kind::Code { outputs, count } = &cell.kind {
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
            json!({"output_type": "execute_result", "execution_count": count, "data": bundle.data, "metadata": {}})
        }
        Output::Display(bundle) | Output::Update(_, bundle) => {
            json!({"output_type": "display_data", "data": bundle.data, "metadata": {}})
        }
        // An order to a frontend, nothing to keep.
        Output::Clear { .. } => return None,
    })
}
