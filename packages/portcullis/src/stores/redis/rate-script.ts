/**
 * The limits as a script for Redis, which runs it in one piece: the arithmetic of `traffic/debt.ts` by the clock of the server, so
 * that nodes whose clocks differ count alike. For each key: cost, permits, period in milliseconds, burst. A key whose debt
 * is paid expires, so Redis keeps none that owes nothing. Whole numbers stay exact up to 2^53, as in JavaScript.
 *
 * What it is asked for is all taken or nothing (see the port). The last argument takes the place of the server's clock where a test moves time; it is empty otherwise.
 */
export const RATE_SCRIPT = `
local now = tonumber(ARGV[#ARGV])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local debts, back = {}, {}
local longest, at = 0, 0
for i = 1, #KEYS do
  local cost, permits = tonumber(ARGV[i * 4 - 3]), tonumber(ARGV[i * 4 - 2])
  local period, burst = tonumber(ARGV[i * 4 - 1]), tonumber(ARGV[i * 4])
  local debt, since = 0, now
  local known = redis.call('GET', KEYS[i])
  if known then
    local blank = string.find(known, ' ', 1, true)
    debt, since = tonumber(string.sub(known, 1, blank - 1)), tonumber(string.sub(known, blank + 1))
  end
  if since > now then back[i] = debt end
  debt = math.max(0, debt - math.max(0, now - since) * permits)
  debts[i] = debt + cost * period
  local wait = (debts[i] - burst * period) / permits
  if wait > longest then longest, at = wait, i end
end
-- A server whose clock was set back counts on from where it is now, refused or not.
for i, debt in pairs(back) do
  redis.call('SET', KEYS[i], string.format('%.0f %.0f', debt, now), 'KEEPTTL')
end
if at > 0 then return { at, string.format('%.0f', math.ceil(longest)) } end
for i = 1, #KEYS do
  local ttl = math.ceil(debts[i] / tonumber(ARGV[i * 4 - 2])) + 1000
  redis.call('SET', KEYS[i], string.format('%.0f %.0f', debts[i], now), 'PX', string.format('%.0f', ttl))
end
return { 0, '0' }
`
