#!lua flags=allow-oom
-- Forget a terminal job: record, request and events. What was charged stays in the ledger.
-- A job that is not terminal yet is marked; whoever settles it erases it then.
-- ARGV: id, owner
local id = ARGV[1]
local j = read(id, 'owner', 'state')
if not j[1] or j[1] ~= ARGV[2] then return 'missing' end
if next(MOVES[j[2]]) ~= nil then
  redis.call('HSET', key_of(id), 'erasing', 1)
  return 'marked'
end
redis.call('ZREM', P .. 'owner:' .. j[1] .. ':jobs', id)
redis.call('ZREM', P .. 'finished', id)
redis.call('DEL', key_of(id), key_of(id) .. ':spec', key_of(id) .. ':events', key_of(id) .. ':snapshot')
return 'erased'
