#!lua flags=allow-oom
-- A month is over and its ledger lies in storage: keep the balance, drop the lines.
-- ARGV: owner, period, number of lines that were written, key of the object, then field, value, …
-- Returns 'closed', 'open' (something is still reserved) or 'changed' (other lines than these).
local owner, period = ARGV[1], ARGV[2]
local usage, ledger = books_of('usage', owner, period), books_of('ledger', owner, period)
if redis.call('HEXISTS', usage, 'ledger_object') == 1 then return 'changed' end
if tonumber(redis.call('HGET', usage, 'reserved') or '0') ~= 0 then return 'open' end
if redis.call('XLEN', ledger) ~= tonumber(ARGV[3]) then return 'changed' end
redis.call('HSET', usage, 'ledger_object', ARGV[4], 'closed:at', now_ms())
for i = 5, #ARGV, 2 do redis.call('HSET', usage, 'closed:' .. ARGV[i], ARGV[i + 1]) end
redis.call('DEL', ledger, books_of('charges', owner, period))
redis.call('ZREM', P .. 'ledgers', owner .. '|' .. period)
redis.call('ZREM', P .. 'files:doomed', ARGV[4])
return 'closed'
