#!lua flags=allow-oom
-- Forget a marked, terminal job whose files are gone: record, request and events.
-- What was charged stays in the ledger. ARGV: id
local id = ARGV[1]
local j = read(id, 'owner', 'state', 'erasing')
if j[1] and (j[3] ~= '1' or next(MOVES[j[2]]) ~= nil) then return 0 end
if j[1] then redis.call('ZREM', P .. 'owner:' .. j[1] .. ':jobs', id) end
redis.call('ZREM', P .. 'finished', id)
redis.call('ZREM', P .. 'erasing', id)
redis.call('ZREM', P .. 'archived', id)
redis.call('DEL', key_of(id), key_of(id) .. ':spec', key_of(id) .. ':events', key_of(id) .. ':snapshot')
return 1
