-- The requests of one run, and its result as one line of JSON.
-- usage: wrk -s wrk.lua URL -- BODY_BYTES

function init(arguments)
  local bytes = tonumber(arguments[1]) or 0
  if bytes > 0 then
    wrk.method = "POST"
    wrk.body = string.rep("e", bytes)
    wrk.headers["content-type"] = "application/octet-stream"
  end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\nresult {"requests": %d, "duration_us": %d, "bytes": %d, "p50_us": %d, "p99_us": %d, ' ..
    '"max_us": %d, "errors_status": %d, "errors_socket": %d}\n',
    summary.requests, summary.duration, summary.bytes, latency:percentile(50),
    latency:percentile(99), latency.max, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
