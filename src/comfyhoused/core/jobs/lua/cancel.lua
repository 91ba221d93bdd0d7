#!lua flags=allow-oom
-- Cancel: at once while nobody has it, else ask whoever has it. ARGV: id, owner
local id = ARGV[1]
local j = read(id, 'owner', 'state', 'assigned')
if not j[1] or j[1] ~= ARGV[2] then return 'missing' end
if not may_move(j[2], 'canceled') then return j[2] end
if j[3] == '1' then
  redis.call('HSET', key_of(id), 'canceling', 1)
  redis.call('PUBLISH', CONTROL, id)
  return 'canceling'
end
finish(id, 'canceled', now_ms(), { 'canceling', 1 })
return 'canceled'
