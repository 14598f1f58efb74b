//! The guest of the end-to-end tests for wasi:http 0.3: the path of the request says what to do.

mod bodies;
mod http;
mod outbound;

use std::hint::black_box;

use wasip3::clocks::monotonic_clock;
use wasip3::http::types::{ErrorCode, Request, Response};

use http::{Target, answer};

struct Probe;

impl wasip3::exports::http::handler::Guest for Probe {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let target = Target::of(&request);
        match target.path.as_str() {
            "/hello" => Ok(answer(200, "hello\n")),
            "/status" => Ok(answer(target.number("code", 200), "as asked\n")),

            "/describe" => Ok(bodies::describe(request)),
            "/echo" => Ok(bodies::echo(request)),
            "/echo-copy" => Ok(bodies::echo_copy(request)),
            "/count" => Ok(bodies::count(request).await),
            "/early" => Ok(bodies::early(request)),
            "/trailers" => Ok(bodies::trailers(request).await),
            "/sized" => Ok(bodies::sized(&target)),
            "/drip" => Ok(bodies::drip(&target)),
            "/works-after" => Ok(bodies::works_after(&target)),

            "/endless-loop" => endless_loop(),
            "/panic" => panic!("as asked"),
            "/error" => Err(ErrorCode::InternalError(Some("the guest says so".to_owned()))),
            "/never-answers" => {
                monotonic_clock::wait_for(u64::MAX).await;
                Ok(answer(200, "unreachable\n"))
            }
            "/answers-forever" => Ok(bodies::answers_forever()),
            "/traps-in-body" => Ok(bodies::traps_in_body()),

            "/fetch" => Ok(outbound::fetch(request, false).await),
            "/upload" => Ok(outbound::fetch(request, true).await),
            "/fetch-many" => Ok(outbound::fetch_many(request, &target).await),

            _ => Ok(answer(404, "no such behaviour\n")),
        }
    }
}

fn endless_loop() -> ! {
    let mut turns = 0u64;
    loop {
        turns = black_box(turns.wrapping_add(1));
    }
}

wasip3::http::service::export!(Probe);
