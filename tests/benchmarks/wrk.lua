-- One request a line of the file named by the first argument: a key (or -), a blank, a body.
-- A second argument is a pause in milliseconds before each request.
local requests, at, pause = {}, 0, 0

function init(arguments)
   pause = tonumber(arguments[2] or 0)
   for line in io.lines(arguments[1]) do
      local key, body = line:match("^(%S+) (.*)$")
      local headers = {["Content-Type"] = "application/json"}
      if key ~= "-" then headers["Authorization"] = "Bearer " .. key end
      requests[#requests + 1] = wrk.format("POST", nil, headers, body)
   end
   if pause > 0 then delay = function() return pause end end
end

function request()
   at = at % #requests + 1
   return requests[at]
end

function done(summary, latency)
   local failed = summary.errors
   io.write(string.format(
      '\nbench {"requests":%d,"seconds":%.6f,"p50_ms":%.4f,"p99_ms":%.4f,"max_ms":%.4f,"refused":%d,"broken":%d}\n',
      summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
      latency:percentile(99) / 1e3, latency.max / 1e3, failed.status,
      failed.connect + failed.read + failed.write + failed.timeout))
end
