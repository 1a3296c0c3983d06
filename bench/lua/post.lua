-- The load: tools/call of echo over and over. Environment:
--   BODY_BYTES     length of the text argument
--   ERA            modern | legacy
--   REQUEST_PATH   path of the endpoint
--   TOKENS_FILE    one bearer token a line; callers take them in turn
--   SESSIONS       mcp-session-id values, separated by commas; taken in turn
--   UNIQUE_IDS     set if no two requests may have the same JSON-RPC id
local bytes = tonumber(os.getenv("BODY_BYTES") or "1024")
local modern = (os.getenv("ERA") or "modern") == "modern"
local path = os.getenv("REQUEST_PATH") or "/mcp"
local words = "The quick brown fox jumps over the lazy dog 0123456789. "
local text = string.rep(words, math.ceil(bytes / #words)):sub(1, bytes)

local headers = { ["Content-Type"] = "application/json", ["Accept"] = "application/json, text/event-stream" }
local meta = ""
if modern then
  headers["MCP-Protocol-Version"] = "2026-07-28"
  headers["Mcp-Method"] = "tools/call"
  headers["Mcp-Name"] = "echo"
  meta = ',"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",'
    .. '"io.modelcontextprotocol/clientInfo":{"name":"wrk","version":"1"},'
    .. '"io.modelcontextprotocol/clientCapabilities":{}}'
else
  headers["MCP-Protocol-Version"] = "2025-11-25"
end

local tokens = {}
if os.getenv("TOKENS_FILE") then
  for line in io.lines(os.getenv("TOKENS_FILE")) do tokens[#tokens + 1] = line end
end
local sessions = {}
for session in (os.getenv("SESSIONS") or ""):gmatch("[^,]+") do sessions[#sessions + 1] = session end

local function body(id)
  return '{"jsonrpc":"2.0","id":' .. id .. ',"method":"tools/call","params":{"name":"echo","arguments":{"text":"'
    .. text .. '"}' .. meta .. "}}"
end

if tokens[1] then headers["Authorization"] = "Bearer " .. tokens[1] end
wrk.method, wrk.path, wrk.headers, wrk.body = "POST", path, headers, body(1)

if os.getenv("UNIQUE_IDS") or #sessions > 0 then
  local id = 100
  function request()
    id = id + 1
    if #sessions > 0 then headers["Mcp-Session-Id"] = sessions[id % #sessions + 1] end
    return wrk.format("POST", path, headers, body(id))
  end
elseif #tokens > 1 then
  local prepared, turn = {}, 0
  -- Not before the first request: only then does wrk know the Host header.
  function request()
    turn = turn % #tokens + 1
    if not prepared[turn] then
      headers["Authorization"] = "Bearer " .. tokens[turn]
      prepared[turn] = wrk.format("POST", path, headers, body(1))
    end
    return prepared[turn]
  end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'RESULT{"requests":%d,"microseconds":%d,"p50":%.1f,"p99":%.1f,"broken":%d,"refused":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.timeout, errors.status))
end
