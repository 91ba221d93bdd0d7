#!lua flags=allow-oom
-- End a session by its id.
-- ARGV: account, session
local mine = P .. 'account:' .. ARGV[1] .. ':sessions'
local digest = redis.call('HGET', mine, ARGV[2])
if not digest then return 0 end
redis.call('HDEL', mine, ARGV[2])
return redis.call('DEL', P .. 'session:' .. digest)
