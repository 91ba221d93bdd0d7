#!lua flags=allow-oom
-- Turn a reservation into a charge, or give it back. Idempotent by job id.
-- ARGV: owner, job, 'settle' | 'release', units, period ('': of before there were periods)
local owner, id, verb, period = ARGV[1], ARGV[2], ARGV[3], ARGV[5]
local charges, usage = books_of('charges', owner, period), books_of('usage', owner, period)
local charge = redis.call('HGET', charges, id) or ''
local reserved, rest = string.match(charge, '^reserved:(%d+):?(.*)$')
if not reserved then return 'done' end
local about = rest ~= '' and cjson.decode(rest) or {}
local units = verb == 'settle' and math.max(0, math.min(tonumber(ARGV[4]), tonumber(reserved))) or 0
local amount = string.format('%.0f', units)
redis.call('HINCRBY', usage, 'reserved', -tonumber(reserved))
if verb == 'settle' then
  redis.call('HINCRBY', usage, 'settled', units)
  redis.call('HINCRBY', usage, 'jobs', 1)
  for _, part in ipairs({ 'day', 'key', 'template' }) do
    local name = about[part]
    if name and name ~= '' then redis.call('HINCRBY', usage, part .. ':' .. name, units) end
  end
  redis.call('HSET', charges, id, 'settled:' .. amount)
  if redis.call('EXISTS', key_of(id)) == 1 then redis.call('HSET', key_of(id), 'charged_units', amount) end
else
  redis.call('HSET', charges, id, 'released:0')
end
redis.call('XADD', books_of('ledger', owner, period), '*', 'job', id, 'verb', verb, 'units', amount,
  'at', now_ms(), 'key', about.key or '', 'template', about.template or '')
return verb
