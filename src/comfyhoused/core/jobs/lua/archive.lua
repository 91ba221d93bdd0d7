#!lua flags=allow-oom
-- The document of a job that ended long ago is in storage: Redis keeps index and state only.
-- ARGV: id. Returns 0 where the job is gone, being erased or not over.
local id = ARGV[1]
local j = read(id, 'state', 'erasing', 'finished_at')
local state = j[1]
redis.call('ZREM', P .. 'finished', id)
if not state or j[2] == '1' or next(MOVES[state]) ~= nil then return 0 end
redis.call('HSET', key_of(id), 'archived', 1)
redis.call('ZADD', P .. 'archived', j[3], id)
redis.call('HDEL', key_of(id), 'error', 'outputs', 'facts', 'webhook_url')
redis.call('DEL', key_of(id) .. ':spec', key_of(id) .. ':events', key_of(id) .. ':snapshot')
return 1
