"""The protocol test suite of the Jupyter project against the installed kernel `widemargin`.

    pip install jupyter_kernel_test && widemargin kernel install && python tests/kernel/conformity.py
"""

import unittest

import jupyter_kernel_test


class WidemarginTests(jupyter_kernel_test.KernelTests):
    kernel_name = "widemargin"
    language_name = "rust"
    file_extension = ".rs"
    code_hello_world = 'println!("hello, world");'
    code_stderr = 'eprintln!("oops");'
    completion_samples = [{"text": "let zeta_variable = 1; zeta_var", "matches": {"zeta_variable"}}]
    complete_code_samples = ["1 + 1", "fn f() {}", "'a'; \"(\"; // {", "r#\"(\"#"]
    incomplete_code_samples = ["fn f() {", 'let s = "abc', "(1 + ", "/* open"]
    invalid_code_samples = ["fn f( }", ")"]
    code_generate_error = 'panic!("no");'
    code_execute_result = [{"code": "6 * 7", "result": "42"}]
    code_display_data = [
        {
            "code": 'struct S; impl Show for S { fn bundle(&self) -> Bundle { Bundle::text("s") } } show(&S);',
            "mime": "text/plain",
        }
    ]
    code_clear_output = "clear_output(false);"
    code_history_pattern = "6?*"
    supported_history_operations = ("tail", "range", "search")
    code_inspect_sample = "Tensor"


if __name__ == "__main__":
    unittest.main()
