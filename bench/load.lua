-- wrk -s load.lua URL -- key=value …: `method`, `body` (`{n}` becomes a unique text each time),
-- `header` as `Name: value`, `paths` separated by spaces and used in turn, and `statuses` to count them.
-- Prints one line of JSON at the end.

local threads = {}

function setup(thread)
  table.insert(threads, thread)
  thread:set("number", #threads)
end

function init(arguments)
  local given, paths, sent = {}, {}, 0
  for _, argument in ipairs(arguments) do
    local key, value = argument:match("^(%w+)=(.*)$")
    if key == "header" then
      local name, text = value:match("^([^:]+): (.*)$")
      wrk.headers[name] = text
    else
      given[key] = value
    end
  end
  wrk.method, wrk.body = given.method, given.body
  for path in (given.paths or ""):gmatch("%S+") do table.insert(paths, path) end

  if #paths > 0 or (given.body or ""):find("{n}", 1, true) then
    function request()
      sent = sent + 1
      local body = given.body and given.body:gsub("{n}", given.run .. "-" .. number .. "-" .. sent)
      return wrk.format(given.method, paths[sent % #paths + 1], nil, body)
    end
  end

  served, shed, unasked, failed = 0, 0, 0, 0
  if given.statuses then
    function response(status, headers)
      if status < 400 then
        served = served + 1
      elseif status == 503 then
        shed = shed + 1
        if not (headers["retry-after"] or headers["Retry-After"]) then unasked = unasked + 1 end
      elseif status >= 500 then
        failed = failed + 1
      end
    end
  end
end

function done(summary, latency)
  local total = { served = 0, shed = 0, unasked = 0, failed = 0 }
  for _, thread in ipairs(threads) do
    for name in pairs(total) do total[name] = total[name] + thread:get(name) end
  end
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"seconds":%.6f,"p50_ms":%.3f,"p99_ms":%.3f,"max_ms":%.3f,"refused":%d,'
      .. '"broken":%d,"served":%d,"shed":%d,"unasked":%d,"failed":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, latency.max / 1e3, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    total.served, total.shed, total.unasked, total.failed))
end
