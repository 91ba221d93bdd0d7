#!lua flags=allow-oom
-- Turn a reservation into a charge, or give it back. Idempotent by job id.
-- ARGV: owner, job, 'settle' | 'release', units
local charges, usage = P .. 'charges:' .. ARGV[1], P .. 'usage:' .. ARGV[1]
local charge = redis.call('HGET', charges, ARGV[2])
local reserved = charge and string.match(charge, '^reserved:(%d+)$')
if not reserved then return 'done' end
local units = math.min(tonumber(ARGV[4]), tonumber(reserved))
redis.call('HINCRBY', usage, 'reserved', -tonumber(reserved))
if ARGV[3] == 'settle' then
  redis.call('HINCRBY', usage, 'settled', units)
  redis.call('HSET', charges, ARGV[2], 'settled:' .. string.format('%.0f', units))
else
  redis.call('HSET', charges, ARGV[2], 'released:0')
end
redis.call('XADD', P .. 'ledger:' .. ARGV[1], '*', 'job', ARGV[2], 'verb', ARGV[3],
  'units', string.format('%.0f', ARGV[3] == 'settle' and units or 0), 'at', now_ms())
return ARGV[3]
