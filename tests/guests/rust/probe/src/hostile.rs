//! What a hostile or broken guest does. None of these may harm its neighbours.

use std::hint::black_box;

use wasip2::clocks::monotonic_clock;
use wasip2::http::types::{ErrorCode, Fields, ResponseOutparam};

use crate::http::{Exchange, headers};

pub fn endless_loop() -> ! {
    let mut turns = 0u64;
    loop {
        turns = black_box(turns.wrapping_add(1));
    }
}

/// Uses the CPU for about `?ms=` and then answers.
pub fn busy(exchange: Exchange) {
    let until = monotonic_clock::now() + exchange.number("ms", 10u64) * 1_000_000;
    let mut turns = 0u64;
    while monotonic_clock::now() < until {
        turns = black_box(turns + 1);
    }
    exchange.answer(200, "busy no more\n");
}

/// Grows its memory, touching every page, until it is refused (or ended).
pub fn memory_bomb(exchange: Exchange) {
    const STEP_PAGES: usize = 16;
    const PAGE_BYTES: usize = 65_536;
    let pages_max = exchange.number("pages", usize::MAX);
    let mut grown = 0;
    while grown < pages_max {
        let start = core::arch::wasm32::memory_grow(0, STEP_PAGES);
        if start == usize::MAX {
            return exchange.answer(200, &format!("refused after {grown} pages\n"));
        }
        for page in start..start + STEP_PAGES {
            // SAFETY: memory.grow has just made this page, and nothing else knows of it.
            unsafe { core::ptr::write_volatile((page * PAGE_BYTES) as *mut u8, 1) };
        }
        grown += STEP_PAGES;
    }
    exchange.answer(200, &format!("grew by {grown} pages\n"));
}

/// Each call keeps a frame on the stack, so that no optimiser makes a loop of it.
#[inline(never)]
#[allow(unconditional_recursion)]
pub fn deep_recursion(depth: u64) -> u64 {
    let frame = black_box([depth; 16]);
    deep_recursion(depth + 1) + black_box(frame)[(depth % 16) as usize]
}

/// Waits for a time that never comes.
pub fn never_answers(exchange: Exchange) {
    monotonic_clock::subscribe_duration(u64::MAX).block();
    exchange.answer(200, "unreachable\n");
}

/// Sends the head and some bytes, and then waits forever.
pub fn stalls(exchange: Exchange) {
    let body = exchange.start(200, Fields::new());
    body.write(b"the rest never comes\n");
    monotonic_clock::subscribe_duration(u64::MAX).block();
    body.finish(None);
}

pub fn answers_forever(exchange: Exchange) {
    let body = exchange.start(200, Fields::new());
    let chunk = [b'x'; 4096];
    while body.write(&chunk) {}
}

/// Writes `?lines=` lines to its standard error, as fast as it can.
pub fn floods_log(exchange: Exchange) {
    for line in 0..exchange.number("lines", u64::MAX) {
        eprintln!("flood {line} {}", "~".repeat(200));
    }
    exchange.answer(200, "the log is flooded\n");
}

/// One line of `?bytes=`, without its end.
pub fn logs_long_line(exchange: Exchange) {
    eprint!("{}", "l".repeat(exchange.number("bytes", 1 << 20)));
    exchange.answer(200, "one long line\n");
}

/// `?count=` response headers of `?bytes=` each. Says in the body which of them the host refused.
pub fn huge_headers(exchange: Exchange) {
    let fields = Fields::new();
    let value = vec![b'h'; exchange.number("bytes", 1 << 20)];
    for index in 0..exchange.number("count", 1u32) {
        if let Err(error) = fields.append(&format!("x-huge-{index}"), &value) {
            return exchange.answer(200, &format!("header {index} refused: {error:?}\n"));
        }
    }
    exchange.start(200, fields).finish_with(b"huge headers\n");
}

/// Headers that would forge the framing or split the response.
pub fn forges_headers(exchange: Exchange) {
    let fields = Fields::new();
    let forged: [(&str, &[u8]); 6] = [
        ("connection", b"close"),
        ("transfer-encoding", b"chunked"),
        ("x-split", b"a\r\nx-injected: yes"),
        ("x-nul", b"a\0b"),
        ("bad name", b"a"),
        ("", b"a"),
    ];
    let mut report = String::new();
    for (name, value) in forged {
        let outcome = match fields.append(name, value) {
            Ok(()) => "accepted".to_owned(),
            Err(error) => format!("{error:?}"),
        };
        report.push_str(&format!("{name:?}: {outcome}\n"));
    }
    exchange.answer(200, &report);
}

/// Promises more or fewer bytes (`?length=`) than it sends (`?bytes=`).
pub fn breaks_content_length(exchange: Exchange) {
    let length = exchange.number("length", 100u64).to_string();
    let bytes = vec![b'b'; exchange.number("bytes", 10)];
    exchange.start(200, headers(&[("content-length", &length)])).finish_with(&bytes);
}

/// Ends in the middle of a body, without finishing it.
pub fn drops_body(exchange: Exchange) {
    let body = exchange.start(200, Fields::new());
    body.write(b"half of it\n");
}

/// Sends a part of the body and then traps.
pub fn traps_in_body(exchange: Exchange) {
    let body = exchange.start(200, Fields::new());
    body.write(b"half of it\n");
    panic!("in the middle of the body");
}

pub fn answers_error(exchange: Exchange) {
    let error = ErrorCode::InternalError(Some("the guest says so".to_owned()));
    ResponseOutparam::set(exchange.response_out, Err(error));
}

/// Holds on to `?count=` pollables at once.
pub fn hoards_handles(exchange: Exchange) {
    let count = exchange.number("count", u32::MAX);
    let held: Vec<_> = (0..count).map(|_| monotonic_clock::subscribe_duration(u64::MAX)).collect();
    exchange.answer(200, &format!("holds {}\n", held.len()));
}
