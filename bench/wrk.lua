-- The requests of one run, and its result as one line of JSON.
-- usage: wrk -s wrk.lua URL -- BODY_BYTES

local threads = 0

function setup(thread)
  threads = threads + 1
  thread:set("thread_number", threads)
end

-- A target that ends with "=" gets a number of its own in each request.
local function number_requests()
  local prefix = string.format("%s%d-%d-", wrk.path, os.time(), thread_number)
  local count = 0
  request = function()
    count = count + 1
    return wrk.format(nil, prefix .. count)
  end
end

function init(arguments)
  if wrk.path:sub(-1) == "=" then number_requests() end
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
