/**
 * What a store that was there passes on to the older copy that takes its place, as SQL: whatever refuses somebody something. The
 * same as for the embedded store (`stores/sqlite/snapshot.ts`), between the schemas `portcullis_before` and `portcullis`. Each
 * statement gives a name and how many rows it was about.
 */

const REVOCATIONS = `
with later as (
  insert into portcullis.revocation (kind, tenant, id, starts_at, ends_at, reason)
  select kind, tenant, id, starts_at, ends_at, reason from portcullis_before.revocation as later
  where not exists (select from portcullis.revocation as old
    where (old.kind, old.tenant, old.id, old.starts_at, old.ends_at, old.reason)
      = (later.kind, later.tenant, later.id, later.starts_at, later.ends_at, later.reason))
  order by later.sequence returning 1)
select 'revocations', count(*) from later;`

const BLOCKS = `
with later as (
  insert into portcullis.block (kind, tenant, value, reason, source, ends_at, made_at)
  select kind, tenant, value, reason, source, ends_at, made_at from portcullis_before.block as later
  where not exists (select from portcullis.block as old
    where (old.kind, old.tenant, old.value, old.reason, old.source, old.ends_at, old.made_at)
      = (later.kind, later.tenant, later.value, later.reason, later.source, later.ends_at, later.made_at))
  order by later.sequence returning 1)
select 'blocks', count(*) from later;`

const KEYS = `
with done as (
  update portcullis.api_key as old set revoked_at = news.revoked_at from portcullis_before.api_key as news
  where news.id = old.id and old.revoked_at is null and news.revoked_at is not null returning 1)
select 'ended', count(*) from done;
with done as (
  update portcullis.api_key as old set expires_at = least(old.expires_at, news.predecessor_ends_at)
  from portcullis_before.api_key as news
  where news.replaces = old.id and (old.expires_at is null or old.expires_at > news.predecessor_ends_at)
    and not exists (select from portcullis.api_key as known where known.replaces = old.id) returning 1)
select 'ended', count(*) from done;`

/** A password that was changed, or a role that was taken away, must not come back; nor an account that is not there any more. */
const ACCOUNTS = `
with done as (
  update portcullis.account as old
  set roles = news.roles, password = news.password, totp = news.totp, failures = news.failures,
    locked_until = news.locked_until, totp_step = news.totp_step
  from portcullis_before.account as news
  where news.id = old.id and (news.roles, news.password, news.totp, news.totp_step)
    is distinct from (old.roles, old.password, old.totp, old.totp_step) returning 1)
select 'ended', count(*) from done;
with done as (
  update portcullis.account as old set disabled_at = coalesce(
    (select news.disabled_at from portcullis_before.account as news where news.id = old.id), old.created_at)
  where old.disabled_at is null and not exists (
    select from portcullis_before.account as news where news.id = old.id and news.disabled_at is null) returning 1)
select 'ended', count(*) from done;`

/** Nor a secret of a client that was renewed because it had leaked, or an address to which no code may go any more. */
const CLIENTS = `
with done as (
  update portcullis.oauth_client as old
  set metadata = news.metadata, secret_digest = news.secret_digest, roles = news.roles
  from portcullis_before.oauth_client as news
  where news.id = old.id and (news.metadata, news.secret_digest, news.roles)
    is distinct from (old.metadata, old.secret_digest, old.roles) returning 1)
select 'ended', count(*) from done;
with done as (
  update portcullis.oauth_client as old set disabled_at = coalesce(
    (select news.disabled_at from portcullis_before.oauth_client as news where news.id = old.id), old.created_at)
  where old.disabled_at is null and not exists (
    select from portcullis_before.oauth_client as news where news.id = old.id and news.disabled_at is null) returning 1)
select 'ended', count(*) from done;`

const REMOVED = `
with done as (
  delete from portcullis.passkey as old
  where not exists (select from portcullis_before.passkey as news where news.id = old.id) returning 1)
select 'ended', count(*) from done;
with done as (
  update portcullis.passkey as old set counter = news.counter from portcullis_before.passkey as news
  where news.id = old.id and news.counter > old.counter returning 1)
select 'used', count(*) from done;
with done as (
  delete from portcullis.account_link as old where not exists (select from portcullis_before.account_link as news
    where (news.issuer, news.subject) = (old.issuer, old.subject)) returning 1)
select 'ended', count(*) from done;
with done as (
  delete from portcullis.upstream_credential as old where not exists (
    select from portcullis_before.upstream_credential as news
    where (news.tenant, news.upstream, news.principal, news.kind) = (old.tenant, old.upstream, old.principal, old.kind))
  returning 1)
select 'ended', count(*) from done;`

const USED = `
with done as (
  insert into portcullis.used_once select * from portcullis_before.used_once on conflict do nothing returning 1)
select 'used', count(*) from done;`

const GRANTS = `
with done as (
  delete from portcullis.grant_entry as old where not exists (select from portcullis_before.grant_entry as news
    where (news.kind, news.digest) = (old.kind, old.digest)) returning 1)
select 'grants', count(*) from done;
with done as (
  update portcullis.grant_entry as old set consumed_at = news.consumed_at from portcullis_before.grant_entry as news
  where (news.kind, news.digest) = (old.kind, old.digest) and old.consumed_at is null and news.consumed_at is not null
  returning 1)
select 'grants', count(*) from done;`

/** Those that seal what was just taken over; they are wrapped. */
const DATA_KEYS = `
insert into portcullis.data_key select * from portcullis_before.data_key on conflict do nothing;`

export const CARRY_OVER: string = [
  ...[REVOCATIONS, BLOCKS, KEYS, ACCOUNTS, CLIENTS, REMOVED, USED, GRANTS, DATA_KEYS],
].join('\n')
