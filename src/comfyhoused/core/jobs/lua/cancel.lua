#!lua flags=allow-oom
-- Cancel a job of an owner's. ARGV: id, owner
local id = ARGV[1]
local j = read(id, 'owner', 'state')
if not j[1] or j[1] ~= ARGV[2] then return 'missing' end
return cancel(id, now_ms()) or j[2]
