//! A cell that takes its process down leaves a session that answers.

use crate::{bad, good, start, value};
use widemargin::session::Stage;

#[test]
fn after_exit_and_abort_and_overflow_the_next_cell_works() {
    let mut session = start();
    let overflow = "fn dive(n: u64) -> u64 { let big = [n; 4096]; if n == u64::MAX { 0 } else { big[9] + dive(n + 1) } }\n\
                    std::hint::black_box(dive(0));";
    for cell in ["std::process::exit(3);", "std::process::abort();", overflow] {
        good(&mut session, "let lost_here = 1;");
        let error = bad(&mut session, cell);
        assert_eq!(error.stage, Stage::Crash, "{error}");
        assert_eq!(error.lost, ["lost_here"]);
        assert_eq!(value(&good(&mut session, "Tensor::zeros(3, DType::F32, &Device::Cpu)?.dims()[0]")), "3");
    }
}
