#!lua flags=allow-oom
-- Mark a job to be erased: from now on nobody is shown it. ARGV: id, owner
-- Returns 'missing', 'waiting' (not terminal yet) or 'ready'.
local id = ARGV[1]
local j = read(id, 'owner', 'state')
if not j[1] or j[1] ~= ARGV[2] then return 'missing' end
redis.call('HSET', key_of(id), 'erasing', 1)
redis.call('ZADD', P .. 'erasing', now_ms(), id)
if next(MOVES[j[2]]) ~= nil then return 'waiting' end
return 'ready'
