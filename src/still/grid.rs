//! `layout.grid`: the cells of panels that stand in rows and columns, where axes name no domain of their own.

use serde_json::Value;

/// The part of the figure that the axis `x3` or `y2` takes by the grid; `None` without a grid, or beyond its cells.
pub fn cell(layout: &Value, horizontal: bool, number: usize) -> Option<[f64; 2]> {
    let grid = layout["grid"].as_object()?;
    let count = |key: &str| grid.get(key).and_then(Value::as_u64).map_or(1, |count| count.clamp(1, 100) as usize);
    let (rows, columns) = (count("rows"), count("columns"));
    let independent = grid.get("pattern").is_some_and(|pattern| pattern == "independent");
    // Panels with axes of their own are numbered along the rows; coupled ones share an axis by row and by column.
    let at = number - 1;
    let (row, column) = if independent { (at / columns, at % columns) } else { (at, at) };
    let (at, cells) = if horizontal { (column, columns) } else { (row, rows) };
    if at >= cells || row >= rows && independent {
        return None;
    }
    let upwards = grid.get("roworder").is_some_and(|order| order == "bottom to top");
    let at = if horizontal || upwards { at } else { cells - 1 - at };
    let (letter, otherwise) = match (horizontal, independent) {
        (true, true) => ("x", 0.2),
        (false, true) => ("y", 0.3),
        (true, false) => ("x", 0.1),
        (false, false) => ("y", 0.1),
    };
    let gap = grid.get(&format!("{letter}gap")).and_then(Value::as_f64).unwrap_or(otherwise).clamp(0.0, 0.9);
    let domain = grid.get("domain").map_or(&Value::Null, |domain| &domain[letter]);
    let (start, end) = (domain[0].as_f64().unwrap_or(0.0), domain[1].as_f64().unwrap_or(1.0));
    let step = (end - start) / (cells as f64 - gap);
    let from = start + step * at as f64;
    Some([from, from + step * (1.0 - gap)])
}
