"""What the Jupyter project's own tests leave open, against the installed kernel `widemargin`: one claim each.

    pip install jupyter_client && widemargin kernel install && python tests/kernel/conformity_more.py
"""

import json
import os
import pathlib
import signal
import tempfile
import time
import unittest

from jupyter_client.manager import start_new_kernel

KERNEL = os.environ.get("KERNEL", "widemargin")
# A busy machine compiles a cell in seconds; none of these waits is what a test measures.
WAIT = 120
LOOP = "loop { std::thread::sleep(std::time::Duration::from_millis(5)); }"
TRAINING = (
    "let run = Trainer { epochs: 1_000_000, ..Trainer::default() }.fit(&mut net, &pair.train)?;"
)


class Cell:
    """A cell that was run: its reply and what all frontends saw of it."""

    def __init__(self, reply, messages):
        self.reply = reply["content"]
        self.messages = messages

    def of(self, *kinds):
        return [m["content"] for m in self.messages if m["msg_type"] in kinds]

    def text(self, name="stdout"):
        return "".join(m["text"] for m in self.of("stream") if m["name"] == name)

    def value(self):
        return [m["data"]["text/plain"] for m in self.of("execute_result")]


class Client:
    def __init__(self):
        self.manager, self.client = start_new_kernel(kernel_name=KERNEL, startup_timeout=WAIT)

    def end(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)

    def send(self, code, **options):
        return self.client.execute(code, **options)

    def collect(self, request, until=None, seconds=WAIT):
        """The messages of a request, to its end or to the first that `until` accepts."""
        seen, deadline = [], time.time() + seconds
        while time.time() < deadline:
            try:
                message = self.client.get_iopub_msg(timeout=0.5)
            except Exception:
                continue
            if message["parent_header"].get("msg_id") != request:
                continue
            seen.append(message)
            if until and until(message):
                return seen
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                return seen
        raise AssertionError(f"no end of {request} in {seconds} s: {[m['msg_type'] for m in seen]}")

    def reply(self, request, seconds=WAIT):
        deadline = time.time() + seconds
        while time.time() < deadline:
            message = self.client.get_shell_msg(timeout=seconds)
            if message["parent_header"].get("msg_id") == request:
                return message
        raise AssertionError("no reply")

    def run(self, code, **options):
        request = self.send(code, **options)
        messages = self.collect(request)
        return Cell(self.reply(request), messages)

    def ask(self, kind, content):
        message = self.client.session.msg(kind, content)
        self.client.shell_channel.send(message)
        return self.reply(message["header"]["msg_id"])["content"]

    def control(self, kind, content):
        message = self.client.session.msg(kind, content)
        self.client.control_channel.send(message)
        return self.client.get_control_msg(timeout=WAIT)["content"]


class Shared(unittest.TestCase):
    """Tests that leave the kernel whole share one."""

    @classmethod
    def setUpClass(cls):
        cls.kernel = Client()

    @classmethod
    def tearDownClass(cls):
        cls.kernel.end()


class Info(Shared):
    def test_the_language_is_rust_with_the_compilers_version(self):
        info = self.kernel.ask("kernel_info_request", {})
        language = info["language_info"]
        self.assertEqual((language["name"], language["file_extension"]), ("rust", ".rs"))
        self.assertRegex(language["version"], r"^\d+\.\d+")
        self.assertEqual(language["pygments_lexer"], "rust")

    def test_the_protocol_is_5_4_or_later(self):
        version = self.kernel.ask("kernel_info_request", {})["protocol_version"]
        self.assertGreaterEqual(tuple(map(int, version.split("."))), (5, 4))

    def test_control_answers_kernel_info_too(self):
        self.assertEqual(self.kernel.control("kernel_info_request", {})["status"], "ok")

    def test_there_are_no_comms_and_an_opened_one_is_closed(self):
        self.assertEqual(self.kernel.ask("comm_info_request", {}), {"status": "ok", "comms": {}})
        opening = self.kernel.client.session.msg(
            "comm_open", {"comm_id": "c1", "target_name": "nobody", "data": {}}
        )
        self.kernel.client.shell_channel.send(opening)
        messages = self.kernel.collect(opening["header"]["msg_id"])
        self.assertIn("comm_close", [m["msg_type"] for m in messages])

    def test_the_heart_beats(self):
        time.sleep(1.5)
        self.assertTrue(self.kernel.client.hb_channel.is_beating())


class Execution(Shared):
    def test_the_first_count_is_one_and_counts_go_up(self):
        kernel = Client()
        try:
            self.assertEqual(kernel.run("1")  .reply["execution_count"], 1)
            self.assertEqual(kernel.run("2").reply["execution_count"], 2)
        finally:
            kernel.end()

    def test_a_silent_cell_neither_counts_nor_shows(self):
        before = self.kernel.run("0").reply["execution_count"]
        cell = self.kernel.run('println!("quiet"); 5', silent=True)
        self.assertEqual([m["msg_type"] for m in cell.messages], ["status", "status"])
        self.assertEqual(self.kernel.run("0").reply["execution_count"], before + 1)

    def test_without_store_history_a_cell_shows_but_does_not_count(self):
        before = self.kernel.run("0").reply["execution_count"]
        cell = self.kernel.run("41 + 1", store_history=False)
        self.assertEqual(cell.value(), ["42"])
        self.assertEqual(self.kernel.run("0").reply["execution_count"], before + 1)

    def test_the_input_is_told_with_its_count(self):
        cell = self.kernel.run("3")
        self.assertEqual(
            cell.of("execute_input"), [{"code": "3", "execution_count": cell.reply["execution_count"]}]
        )

    def test_busy_comes_first_and_idle_last(self):
        states = [m["content"].get("execution_state") for m in self.kernel.run("4").messages]
        self.assertEqual((states[0], states[-1]), ("busy", "idle"))

    def test_an_empty_cell_is_fine(self):
        self.assertEqual(self.kernel.run("").reply["status"], "ok")

    def test_a_cell_that_ends_in_a_statement_has_no_result(self):
        self.assertEqual(self.kernel.run("let nothing_here = 1;").of("execute_result"), [])

    def test_user_expressions_are_evaluated(self):
        reply = self.kernel.run("let ux = 20;", user_expressions={"a": "ux + 1", "b": "no_such"}).reply
        self.assertEqual(reply["user_expressions"]["a"]["data"]["text/plain"], "21")
        self.assertEqual(reply["user_expressions"]["b"]["status"], "error")

    def test_the_reply_has_all_its_fields(self):
        reply = self.kernel.run("5").reply
        self.assertEqual((reply["status"], reply["user_expressions"]), ("ok", {}))


class Output(Shared):
    def test_text_without_a_newline_belongs_to_its_cell(self):
        self.assertEqual(self.kernel.run('print!("abc");').text(), "abc")
        self.assertEqual(self.kernel.run('println!("next");').text(), "next\n")

    def test_flushed_text_without_a_newline_does_not_hang(self):
        code = 'use std::io::Write as _; print!("x"); std::io::stdout().flush()?;'
        self.assertEqual(self.kernel.run(code).text(), "x")

    def test_text_is_streamed_while_the_cell_runs(self):
        with tempfile.TemporaryDirectory() as folder:
            # the cell goes on when its first line has arrived here
            seen = pathlib.Path(folder) / "seen"
            nap = "std::thread::sleep(std::time::Duration::from_millis(5));"
            wait = f"while !std::path::Path::new({json.dumps(str(seen))}).exists() {{ {nap} }}"
            request = self.kernel.send(f'println!("early"); {wait} println!("late");')
            self.kernel.collect(request, until=lambda m: m["msg_type"] == "stream" and "early" in m["content"]["text"])
            seen.touch()
            rest = Cell(self.kernel.reply(request), self.kernel.collect(request))
            self.assertEqual(rest.text().strip(), "late")

    def test_carriage_returns_arrive_as_they_were_printed(self):
        code = 'use std::io::Write as _; for i in 0..3 { print!("\\r{i}"); std::io::stdout().flush()?; }'
        self.assertEqual(self.kernel.run(code).text(), "\r0\r1\r2")

    def test_stdout_and_stderr_are_streams_of_their_own(self):
        cell = self.kernel.run('println!("out"); eprintln!("err");')
        self.assertEqual((cell.text("stdout"), cell.text("stderr")), ("out\n", "err\n"))

    def test_stderr_belongs_to_its_cell(self):
        for i in range(3):
            self.assertEqual(self.kernel.run(f'eprintln!("{i}");').text("stderr"), f"{i}\n")

    def test_displays_keep_their_place_between_text(self):
        code = 'println!("a"); show(&Note(1)); println!("b"); show(&Note(2)); println!("c");'
        cell = self.kernel.run(NOTE + code)
        kinds = [m["msg_type"] for m in cell.messages if m["msg_type"] in ("stream", "display_data")]
        self.assertEqual(kinds, ["stream", "display_data", "stream", "display_data", "stream"])

    def test_two_displays_of_one_type_both_arrive(self):
        cell = self.kernel.run(NOTE + "show(&Note(1)); show(&Note(2));")
        texts = [m["data"]["text/plain"] for m in cell.of("display_data")]
        self.assertEqual(texts, ["note 1", "note 2"])

    def test_the_last_value_is_an_execute_result_and_a_shown_one_is_not(self):
        cell = self.kernel.run(NOTE + "show(&Note(1)); Note(3)")
        self.assertEqual(cell.value(), ["note 3"])
        self.assertEqual(len(cell.of("display_data")), 1)

    def test_a_progress_line_is_one_display_that_is_updated(self):
        code = 'let mut p = widemargin::progress::Progress::new("steps", 3, false);' \
               "for i in 1..=3 { p.update(i, \"\"); std::thread::sleep(std::time::Duration::from_millis(150)); }"
        cell = self.kernel.run(code)
        self.assertEqual(len(cell.of("display_data")), 1)
        updates = cell.of("update_display_data")
        self.assertIn("3/3", updates[-1]["data"]["text/plain"])
        ids = {m["transient"]["display_id"] for m in cell.of("display_data", "update_display_data")}
        self.assertEqual(len(ids), 1)

    def test_a_later_cell_replaces_what_an_earlier_one_showed(self):
        first = self.kernel.run('let slot = widemargin::display::Slot::new(&Bundle::text("fitting"));')
        later = self.kernel.run('slot.update(&Bundle::text("done"));')
        shown, updated = first.of("display_data"), later.of("update_display_data")
        self.assertEqual([m["data"]["text/plain"] for m in shown + updated], ["fitting", "done"])
        self.assertEqual(shown[0]["transient"], updated[0]["transient"])

    def test_clearing_keeps_its_place_and_tells_whether_to_wait(self):
        cell = self.kernel.run('print!("a"); clear_output(true); println!("b"); clear_output(false); show(&Bundle::text("c"));')
        kinds = [m["msg_type"] for m in cell.messages if m["msg_type"] in ("stream", "clear_output", "display_data")]
        self.assertEqual(kinds, ["stream", "clear_output", "stream", "clear_output", "display_data"])
        self.assertEqual([m["wait"] for m in cell.of("clear_output")], [True, False])

    def test_the_unit_is_not_shown(self):
        self.assertEqual(self.kernel.run("()").of("execute_result", "display_data"), [])

    def test_non_ascii_text_survives(self):
        self.assertEqual(self.kernel.run('println!("ä€𝄞");').text(), "ä€𝄞\n")

    def test_ten_thousand_lines_arrive_in_order(self):
        cell = self.kernel.run('for i in 0..10_000 { println!("{i}"); }')
        self.assertEqual(cell.text().split(), [str(i) for i in range(10_000)])


NOTE = (
    "struct Note(u32); impl Show for Note { fn bundle(&self) -> Bundle { Bundle::text(format!(\"note {}\", self.0)) } }\n"
)


class Errors(Shared):
    def failing(self, code):
        cell = self.kernel.run(code)
        self.assertEqual(cell.reply["status"], "error", code)
        self.assertEqual(len(cell.of("error")), 1)
        shown = cell.of("error")[0]
        for field in ("ename", "evalue", "traceback"):
            self.assertEqual(cell.reply[field], shown[field])
        self.assertTrue(cell.reply["traceback"])
        return cell.reply

    def test_a_compile_error_has_code_message_and_span(self):
        reply = self.failing('let wrong: u32 = "text";')
        self.assertEqual((reply["ename"], reply["evalue"]), ("E0308", "mismatched types"))
        self.assertIn("cell:1:", "\n".join(reply["traceback"]))

    def test_a_compile_error_in_a_cell_with_umlauts_has_a_span(self):
        reply = self.failing('let größe: u32 = "ä";')
        self.assertIn("cell:1:", "\n".join(reply["traceback"]))

    def test_a_panic_is_an_error(self):
        reply = self.failing('panic!("no");')
        self.assertEqual(reply["ename"], "panic")
        self.assertIn("no", reply["evalue"])

    def test_a_question_mark_is_an_error_with_its_line(self):
        reply = self.failing('let fine = 1;\n"x".parse::<u8>()?;')
        self.assertIn("invalid digit", reply["evalue"])
        self.assertIn("line 2", reply["traceback"][0])

    def test_errors_keep_earlier_variables(self):
        self.kernel.run("let survivor = 11;")
        for code in ('panic!("no");', '"x".parse::<u8>()?;', "no_such_name"):
            self.failing(code)
        self.assertEqual(self.kernel.run("survivor").value(), ["11"])

    def test_text_before_a_panic_is_shown(self):
        self.assertEqual(self.kernel.run('println!("before"); panic!("no");').text(), "before\n")

    def test_cells_behind_a_failed_one_are_aborted(self):
        requests = [self.kernel.send(code) for code in ('panic!("stop");', "1", "2")]
        statuses = [self.kernel.reply(request)["content"]["status"] for request in requests]
        self.assertEqual(statuses, ["error", "aborted", "aborted"])
        self.assertEqual(self.kernel.run("3").value(), ["3"])

    def test_without_stop_on_error_they_run(self):
        first = self.kernel.send('panic!("go on");', stop_on_error=False)
        second = self.kernel.send("1")
        self.assertEqual(self.kernel.reply(first)["content"]["status"], "error")
        self.assertEqual(self.kernel.reply(second)["content"]["status"], "ok")


class Help(Shared):
    def complete(self, code, at=None):
        return self.kernel.ask("complete_request", {"code": code, "cursor_pos": len(code) if at is None else at})

    def test_variables_of_earlier_cells_complete(self):
        self.kernel.run("let quizzical_number = 1;")
        self.assertIn("quizzical_number", self.complete("quizz")["matches"])

    def test_methods_complete_with_their_range(self):
        self.kernel.run("let text_here = String::new();")
        reply = self.complete("text_here.push_s")
        self.assertTrue(any(m.startswith("push_str") for m in reply["matches"]))
        self.assertEqual((reply["cursor_start"], reply["cursor_end"]), (10, 16))

    def test_matches_are_sorted_by_name(self):
        names = [match.split("(")[0] for match in self.complete("Tensor::zer")["matches"]]
        self.assertLess(names.index("zeros"), names.index("zeros_like"))
        self.assertEqual(names, sorted(names))

    def test_positions_are_code_points(self):
        # two combining characters and one outside the basic plane stand before the name
        self.kernel.run("let zebra_count = 1;")
        code = 'let s = "e\u0301o\u0308𝄞"; zebra_'
        reply = self.complete(code)
        self.assertIn("zebra_count", reply["matches"])
        self.assertEqual((reply["cursor_start"], reply["cursor_end"]), (len(code) - 6, len(code)))

    def test_a_cursor_beyond_the_end_is_the_end(self):
        self.assertEqual(self.complete("let", 10_000)["status"], "ok")

    def test_inspection_finds_documentation(self):
        code = "Tensor::zeros"
        reply = self.kernel.ask("inspect_request", {"code": code, "cursor_pos": len(code), "detail_level": 0})
        self.assertTrue(reply["found"])
        self.assertIn("zeros", reply["data"]["text/plain"])

    def test_inspection_of_nothing_is_found_false(self):
        reply = self.kernel.ask("inspect_request", {"code": "   ", "cursor_pos": 1, "detail_level": 0})
        self.assertEqual((reply["status"], reply["found"]), ("ok", False))

    def test_is_complete_tells_three_states(self):
        for code, status in (("1 + 1", "complete"), ("fn f() {", "incomplete"), (")", "invalid")):
            self.assertEqual(self.kernel.ask("is_complete_request", {"code": code})["status"], status)
        self.assertEqual(self.kernel.ask("is_complete_request", {"code": "fn f() {"})["indent"], "    ")


class History(Shared):
    def history(self, **content):
        content = {"output": False, "raw": True, **content}
        return self.kernel.ask("history_request", content)["history"]

    def setUp(self):
        for code in ("100 + 1", "100 + 2", "100 + 1"):
            self.count = self.kernel.run(code).reply["execution_count"]

    def test_the_tail_is_the_newest(self):
        self.assertEqual([h[2] for h in self.history(hist_access_type="tail", n=2)], ["100 + 2", "100 + 1"])

    def test_a_range_is_half_open(self):
        found = self.history(hist_access_type="range", session=0, start=self.count - 1, stop=self.count)
        self.assertEqual([h[1:] for h in found], [[self.count - 1, "100 + 2"]])

    def test_a_search_may_be_unique(self):
        everything = self.history(hist_access_type="search", pattern="100 +*", n=100)
        unique = self.history(hist_access_type="search", pattern="100 +*", n=100, unique=True)
        self.assertGreaterEqual(len(everything), 3)
        self.assertEqual([h[2] for h in unique], ["100 + 2", "100 + 1"])

    def test_outputs_come_on_request(self):
        found = self.history(hist_access_type="tail", n=1, output=True)
        self.assertEqual(found[0][2], ["100 + 1", "101"])

    def test_what_was_not_stored_is_not_there(self):
        self.kernel.run("200 + 1", store_history=False)
        self.kernel.run("200 + 2", silent=True)
        self.assertEqual(self.history(hist_access_type="search", pattern="200*", n=10), [])


class Interrupts(Shared):
    def setUp(self):
        # the second interrupt of a test takes it away
        self.kernel.run("let kept = 7;")

    def interrupt(self):
        self.assertEqual(self.kernel.control("interrupt_request", {})["status"], "ok")

    def training(self):
        self.kernel.run("let pair = digits()?.pair(3, 8)?; let mut net = Classifier::mlp(&Mlp::default(), 1)?;")
        request = self.kernel.send(TRAINING)
        # shown first is the start; an update comes after an epoch
        self.kernel.collect(request, until=lambda m: m["msg_type"] == "update_display_data")
        return request

    def check_partial_history(self, request):
        self.kernel.collect(request)
        self.assertEqual(self.kernel.reply(request)["content"]["status"], "ok")
        cell = self.kernel.run("(run.interrupted, !run.epochs.is_empty(), kept)")
        self.assertEqual(cell.value(), ["(true, true, 7)"])

    def test_a_message_ends_training_with_its_partial_history(self):
        request = self.training()
        self.interrupt()
        self.check_partial_history(request)

    def test_a_signal_ends_training_with_its_partial_history(self):
        request = self.training()
        os.kill(self.kernel.manager.provisioner.pid, signal.SIGINT)
        self.check_partial_history(request)

    def test_a_signal_to_the_whole_group_ends_training_with_its_partial_history(self):
        request = self.training()
        os.killpg(self.kernel.manager.provisioner.pgid, signal.SIGINT)
        self.check_partial_history(request)

    def test_while_compiling_nothing_is_lost(self):
        # 400 functions with iterators keep the compiler busy for seconds
        numbers = range(400)
        functions = "".join(
            f"fn f{i}() -> Vec<String> {{ (0..{i}).map(|x| format!(\"{{x:?}}\")).filter(|s| s.len() > 2).collect() }}\n"
            for i in numbers
        )
        calls = ", ".join(f"f{i}().len()" for i in numbers)
        request = self.kernel.send(f"{functions}let never: usize = [{calls}].iter().sum();")
        time.sleep(1.0)
        self.interrupt()
        self.kernel.collect(request)
        self.assertEqual(self.kernel.reply(request)["content"]["ename"], "interrupted")
        self.assertEqual(self.kernel.run("kept").value(), ["7"])

    def test_an_idle_kernel_ignores_it(self):
        self.interrupt()
        os.killpg(self.kernel.manager.provisioner.pgid, signal.SIGINT)
        request = self.training()
        time.sleep(0.5)
        self.interrupt()
        self.check_partial_history(request)

    def test_cells_behind_an_interrupted_one_do_not_run(self):
        request = self.training()
        behind = self.kernel.send("1")
        # answered on the same channel, so the cell before it has arrived
        self.kernel.ask("kernel_info_request", {})
        self.interrupt()
        self.assertEqual(self.kernel.reply(request)["content"]["status"], "ok")
        self.assertEqual(self.kernel.reply(behind)["content"]["status"], "aborted")

    def test_a_loop_is_told_how_to_end_and_ends_at_the_second(self):
        request = self.kernel.send('println!("on"); ' + LOOP)
        self.kernel.collect(request, until=lambda m: m["msg_type"] == "stream")
        self.interrupt()
        advice = self.kernel.collect(request, until=lambda m: m["msg_type"] == "stream")
        self.assertIn("second interrupt", advice[-1]["content"]["text"])
        self.interrupt()
        self.kernel.collect(request)
        reply = self.kernel.reply(request)["content"]
        self.assertEqual(reply["status"], "error")
        self.assertIn("kept", reply["traceback"][0])
        self.assertEqual(self.kernel.run("digits()?.train.len()").value(), ["1197"])


class Meanwhile(Shared):
    """While a cell runs."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.kernel.run("let quizzical_number = 1; let words = vec![String::new()];")
        # names are collected when the kernel has been quiet for a moment; a busy machine takes longer
        deadline = time.time() + WAIT
        while not cls.collected() and time.time() < deadline:
            time.sleep(2)

    @classmethod
    def collected(cls):
        cell = cls.kernel.send('println!("on"); std::thread::sleep(std::time::Duration::from_secs(2));')
        cls.kernel.collect(cell, until=lambda m: m["msg_type"] == "stream")
        message = cls.kernel.client.session.msg("complete_request", {"code": "words.ret", "cursor_pos": 9})
        cls.kernel.client.shell_channel.send(message)
        # the cell's own reply is one of the two, and may come first
        replies = [cls.kernel.client.get_shell_msg(timeout=WAIT) for _ in range(2)]
        found = next(r["content"] for r in replies if r["parent_header"]["msg_id"] == message["header"]["msg_id"])
        partial = "widemargin" in found["metadata"]
        return partial and any(match.startswith("retain") for match in found["matches"])

    def setUp(self):
        self.cell = self.kernel.send('println!("on"); std::thread::sleep(std::time::Duration::from_secs(6)); 9')
        self.kernel.collect(self.cell, until=lambda m: m["msg_type"] == "stream")

    def tearDown(self):
        self.assertEqual(self.kernel.reply(self.cell)["content"]["status"], "ok")

    def fast(self, kind, content):
        message = self.kernel.client.session.msg(kind, content)
        self.kernel.client.shell_channel.send(message)
        reply = self.kernel.client.get_shell_msg(timeout=WAIT)
        self.assertEqual(reply["parent_header"]["msg_id"], message["header"]["msg_id"], "the cell ended first")
        return reply["content"]

    def test_completion_knows_variables_members_and_the_prelude(self):
        for code, wanted in (("quizz", "quizzical_number"), ("words.ret", "retain"), ("Train", "Trainer")):
            reply = self.fast("complete_request", {"code": code, "cursor_pos": len(code)})
            self.assertTrue(any(m.startswith(wanted) for m in reply["matches"]), (code, reply["matches"]))
            self.assertIn("partial", reply["metadata"]["widemargin"])

    def test_inspection_knows_variables(self):
        reply = self.fast("inspect_request", {"code": "words", "cursor_pos": 3, "detail_level": 0})
        self.assertIn("Vec", reply["data"]["text/plain"])

    def test_kernel_info_is_complete_and_history_answer(self):
        self.assertEqual(self.fast("kernel_info_request", {})["status"], "ok")
        self.assertEqual(self.fast("is_complete_request", {"code": "1"})["status"], "complete")
        self.assertTrue(self.fast("history_request", {"hist_access_type": "tail", "n": 1})["history"])

    def test_the_kernel_stays_busy_in_the_eyes_of_frontends(self):
        message = self.kernel.client.session.msg("kernel_info_request", {})
        self.kernel.client.shell_channel.send(message)
        self.kernel.client.get_shell_msg(timeout=WAIT)
        states, deadline = [], time.time() + 1
        while time.time() < deadline:
            try:
                seen = self.kernel.client.get_iopub_msg(timeout=0.2)
            except Exception:
                continue
            if seen["msg_type"] == "status":
                states.append(seen["content"]["execution_state"])
        self.assertEqual(states[-1], "busy")


class Input(Shared):
    READ = 'print!("name? "); let mut line = String::new(); std::io::stdin().read_line(&mut line)?; line.trim().to_owned()'

    def question(self):
        return self.kernel.client.get_stdin_msg(timeout=WAIT)["content"]

    def test_a_cell_that_reads_a_line_gets_what_was_typed(self):
        request = self.kernel.send(self.READ, allow_stdin=True)
        self.assertEqual(self.question(), {"prompt": "", "password": False})
        self.kernel.client.input("Ada")
        cell = Cell({"content": {}}, self.kernel.collect(request))
        self.assertEqual((cell.text(), cell.value()), ("name? ", ['"Ada"']))
        self.kernel.reply(request)

    def test_several_lines_are_asked_for_one_by_one(self):
        code = (
            "let mut sum = 0; for _ in 0..3 { let mut line = String::new(); "
            "std::io::stdin().read_line(&mut line)?; sum += line.trim().parse::<i32>()?; } sum"
        )
        request = self.kernel.send(code, allow_stdin=True)
        for number in ("1", "20", "300"):
            self.question()
            self.kernel.client.input(number)
        cell = Cell({"content": {}}, self.kernel.collect(request))
        self.assertEqual(cell.value(), ["321"])
        self.kernel.reply(request)

    def test_where_no_input_is_allowed_the_cell_fails_and_says_why(self):
        cell = self.kernel.run(self.READ, allow_stdin=False)
        self.assertEqual((cell.reply["status"], cell.reply["ename"]), ("error", "input"))
        self.assertEqual(self.kernel.run("6 * 7").value(), ["42"])

    def test_an_interrupt_ends_the_wait(self):
        self.kernel.run("let still_here = 3;")
        request = self.kernel.send(self.READ, allow_stdin=True)
        self.question()
        self.kernel.control("interrupt_request", {})
        self.kernel.collect(request)
        self.assertEqual(self.kernel.reply(request)["content"]["ename"], "input")
        self.assertEqual(self.kernel.run("still_here").value(), ["3"])
        # and input works again
        self.test_a_cell_that_reads_a_line_gets_what_was_typed()


class Life(unittest.TestCase):
    def test_statics_exist_once(self):
        kernel = Client()
        try:
            kernel.run("let w = Var::zeros(2, DType::F32, &Device::Cpu)?;")
            kernel.run("let loss = (w.as_tensor() * 3.0)?.sum_all()?;")
            self.assertEqual(kernel.run("loss.backward()?.get(&w).is_some()").value(), ["true"])
        finally:
            kernel.end()

    def test_a_restart_forgets_variables_and_counts_from_one(self):
        kernel = Client()
        try:
            kernel.run("let gone = 1;")
            kernel.client.stop_channels()
            kernel.manager.restart_kernel(now=False)
            kernel.client = kernel.manager.client()
            kernel.client.start_channels()
            kernel.client.wait_for_ready(timeout=WAIT)
            cell = kernel.run("gone")
            self.assertEqual((cell.reply["ename"], cell.reply["execution_count"]), ("E0425", 1))
        finally:
            kernel.end()

    def test_shutdown_is_answered_and_the_process_ends(self):
        kernel = Client()
        pid = kernel.manager.provisioner.pid
        reply = kernel.control("shutdown_request", {"restart": False})
        self.assertEqual(reply, {"status": "ok", "restart": False})
        deadline = time.time() + 20
        while kernel.manager.is_alive() and time.time() < deadline:
            time.sleep(0.1)
        self.assertFalse(kernel.manager.is_alive(), f"process {pid} still runs")
        kernel.end()

    def test_shutdown_ends_a_running_cell(self):
        kernel = Client()
        request = kernel.send('println!("on"); ' + LOOP)
        kernel.collect(request, until=lambda m: m["msg_type"] == "stream")
        kernel.control("shutdown_request", {"restart": False})
        deadline = time.time() + 20
        while kernel.manager.is_alive() and time.time() < deadline:
            time.sleep(0.1)
        self.assertFalse(kernel.manager.is_alive())
        kernel.end()


if __name__ == "__main__":
    unittest.main()
