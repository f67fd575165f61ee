//! The rewriting of evcxr's generated source.

use widemargin::session::generated::{cell_line, rewrite};

const SOURCE: &str = "#![allow(dead_code)]\nmod evcxr_internal_runtime {\nstruct A {}\n}\n#[unsafe(no_mangle)]\n\
    pub extern \"C\" fn run_user_code_3(\nlet a = 1;\nlet b = a;\n(\nf(\n(\n1, 2\n)\n)\n).evcxr_display();\n}\n";

#[test]
fn no_line_is_added_or_removed() {
    assert_eq!(rewrite(SOURCE).lines().count(), SOURCE.lines().count());
    let plain = "fn main() {\n    println!(\"(\");\n}\n";
    assert_eq!(rewrite(plain), plain);
}

#[test]
fn the_last_expression_is_found_by_its_brackets() {
    let rewritten = rewrite(SOURCE);
    let lines: Vec<&str> = rewritten.lines().collect();
    assert!(lines[8].ends_with("match &(") && lines[10] == "(" && lines[14].starts_with(") { value =>"), "{rewritten}");
    assert!(lines[1].starts_with("use widemargin::cell::store as") && lines[2].is_empty());
}

#[test]
fn a_generated_line_is_traced_to_the_cell() {
    assert_eq!(cell_line(SOURCE, 7, "let a = 1;\nlet b = a;"), Some(1));
    assert_eq!(cell_line(SOURCE, 8, "let a = 1; let b = a;\nf((1, 2))"), Some(1));
    assert_eq!(cell_line(SOURCE, 8, "something_else();"), None);
    assert_eq!(cell_line(SOURCE, 0, "let a = 1;"), None);
}

const STORE: &str = "let evcxr_variable_store = unsafe {&mut *evcxr_variable_store};\n\
    vars_ok &= evcxr_variable_store.check_variable::<i32>(stringify!(a));\n\
    vars_ok &= evcxr_variable_store.check_variable::<Vec<b>>(stringify!(b));\n\
    let a = evcxr_variable_store.take_variable::<i32>(stringify!(a));\n\
    let mut b = evcxr_variable_store.take_variable::<Vec<b>>(stringify!(b));\n\
    USER\n\
    evcxr_variable_store.put_variable::<i32>(stringify!(a), a);\n\
    evcxr_variable_store.put_variable::<Vec<b>>(stringify!(b), b);\n";

#[test]
fn a_variable_that_the_cell_does_not_name_stays_in_the_store() {
    let kept = |user: &str| {
        let rewritten = rewrite(&STORE.replace("USER", user));
        let lines: Vec<&str> = rewritten.lines().collect();
        assert_eq!(lines.len(), 8);
        let whole = |of: [usize; 3]| {
            let full = of.iter().filter(|&&at| !lines[at].is_empty()).count();
            assert!(full == 0 || full == 3, "{rewritten}");
            full == 3
        };
        (whole([1, 3, 6]), whole([2, 4, 7]))
    };
    assert_eq!(kept("println!(\"{a}\");"), (true, false));
    assert_eq!(kept("b.push(ab_a);"), (false, true));
    assert_eq!(kept("1 + 1"), (false, false));
    // The included text may name any of them.
    assert_eq!(kept("include!(\"x.rs\")"), (true, true));
}
