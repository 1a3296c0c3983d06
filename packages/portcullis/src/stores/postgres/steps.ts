/** Decides what the schema has to look like. Steps are only ever added: a released one is never changed. */

/**
 * Step n brings the schema from version n to n + 1. Text is compared by its bytes, as in the embedded store.
 *
 * Row-level security goes by what a transaction says of itself: `portcullis.tenant` opens the rows of one tenant,
 * `portcullis.named` those whose digest, id or name it gives, and `portcullis.all` = `node` what a node does for itself, only
 * in the tables and for the verbs that need it. A transaction that says nothing finds nothing.
 */
export const STEPS: readonly string[] = [
  `create domain portcullis.word as text collate "C";
   create table portcullis.api_key (
     id portcullis.word primary key,
     digest portcullis.word not null unique,
     tenant portcullis.word not null,
     principal portcullis.word not null,
     name portcullis.word not null,
     roles portcullis.word not null check (roles::json is not null),
     upstreams portcullis.word check (upstreams is null or upstreams::json is not null),
     created_at bigint not null,
     expires_at bigint,
     revoked_at bigint,
     last_used_at bigint,
     replaces portcullis.word unique references portcullis.api_key (id),
     predecessor_ends_at bigint,
     check ((replaces is null) = (predecessor_ends_at is null))
   );
   create index api_key_by_tenant on portcullis.api_key (tenant, created_at, id);
   create table portcullis.revocation (
     sequence bigint generated always as identity primary key,
     kind portcullis.word not null check (kind in ('token', 'key', 'principal', 'tenant')),
     tenant portcullis.word not null,
     id portcullis.word not null,
     starts_at bigint not null,
     ends_at bigint not null,
     reason portcullis.word not null
   );
   create index revocation_by_end on portcullis.revocation (ends_at);
   create index revocation_by_name on portcullis.revocation (kind, tenant, id);
   create table portcullis.block (
     sequence bigint generated always as identity primary key,
     kind portcullis.word not null,
     tenant portcullis.word not null,
     value portcullis.word not null,
     reason portcullis.word not null,
     source portcullis.word not null,
     ends_at bigint not null,
     made_at bigint not null
   );
   create index block_by_name on portcullis.block (kind, tenant, value);
   create index block_by_end on portcullis.block (ends_at);
   create table portcullis.used_once (
     space portcullis.word not null,
     id portcullis.word not null,
     ends_at bigint not null,
     primary key (space, id)
   );
   create index used_once_by_end on portcullis.used_once (ends_at);
   create table portcullis.turn (
     name portcullis.word primary key,
     holder portcullis.word not null,
     ends_at bigint not null
   );`,
  `create table portcullis.grant_entry (
     kind portcullis.word not null,
     digest portcullis.word not null,
     payload portcullis.word not null check (payload::json is not null),
     expires_at bigint not null,
     family portcullis.word,
     account portcullis.word,
     alias portcullis.word,
     consumed_at bigint,
     primary key (kind, digest)
   );
   create index grant_entry_by_family on portcullis.grant_entry (family) where family is not null;
   create index grant_entry_by_account on portcullis.grant_entry (account) where account is not null;
   create index grant_entry_by_alias on portcullis.grant_entry (kind, alias) where alias is not null;
   create index grant_entry_by_end on portcullis.grant_entry (expires_at);
   create table portcullis.account (
     id portcullis.word primary key,
     tenant portcullis.word not null,
     name portcullis.word not null unique,
     roles portcullis.word not null check (roles::json is not null),
     password portcullis.word,
     totp portcullis.word,
     created_at bigint not null,
     disabled_at bigint,
     failures bigint not null default 0,
     locked_until bigint not null default 0,
     totp_step bigint not null default 0
   );
   create index account_by_tenant on portcullis.account (tenant, name);
   create table portcullis.oauth_client (
     id portcullis.word primary key,
     tenant portcullis.word not null,
     name portcullis.word not null,
     metadata portcullis.word not null check (metadata::json is not null),
     secret_digest portcullis.word,
     roles portcullis.word not null check (roles::json is not null),
     origin portcullis.word not null check (origin in ('operator', 'registration')),
     created_at bigint not null,
     disabled_at bigint
   );
   create index oauth_client_by_tenant on portcullis.oauth_client (tenant, created_at, id);
   create table portcullis.passkey (
     id portcullis.word primary key,
     account portcullis.word not null,
     tenant portcullis.word not null,
     public_key portcullis.word not null,
     counter bigint not null,
     transports portcullis.word not null check (transports::json is not null),
     synced integer not null,
     label portcullis.word not null,
     created_at bigint not null,
     last_used_at bigint
   );
   create index passkey_by_account on portcullis.passkey (account, created_at);
   create table portcullis.account_link (
     issuer portcullis.word not null,
     subject portcullis.word not null,
     account portcullis.word not null,
     tenant portcullis.word not null,
     origin portcullis.word not null check (origin in ('operator', 'provider')),
     created_at bigint not null,
     primary key (issuer, subject)
   );
   create index account_link_by_account on portcullis.account_link (account, created_at);
   create table portcullis.upstream_credential (
     tenant portcullis.word not null,
     upstream portcullis.word not null,
     principal portcullis.word not null,
     kind portcullis.word not null check (kind in ('static', 'oauth', 'client')),
     sealed portcullis.word not null,
     revision portcullis.word not null,
     updated_at bigint not null,
     primary key (tenant, upstream, principal, kind)
   );
   create table portcullis.data_key (
     tenant portcullis.word not null,
     version bigint not null check (version > 0),
     wrapped_by portcullis.word not null,
     wrapped portcullis.word not null,
     created_at bigint not null,
     primary key (tenant, version)
   );
   create table portcullis_keys.tenant_key (
     tenant portcullis.word primary key,
     id portcullis.word not null unique,
     wrapped_by portcullis.word not null,
     wrapped portcullis.word not null,
     created_at bigint not null
   );`,
  // The keys of tenants need nothing of the other schema any more, which can so be put back by itself. What a policy names
  // cannot change its type; all policies are made anew after the steps.
  `create domain portcullis_keys.word as text collate "C";
   drop policy if exists of_tenant on portcullis_keys.tenant_key;
   drop policy if exists of_node_select on portcullis_keys.tenant_key;
   alter table portcullis_keys.tenant_key
     alter column tenant type portcullis_keys.word,
     alter column id type portcullis_keys.word,
     alter column wrapped_by type portcullis_keys.word,
     alter column wrapped type portcullis_keys.word;`,
]

/** What a schema of keys must have where a copy of the other one is put back into a new database. */
export const KEYS_SCHEMA = `
do $$ begin
  if to_regtype('portcullis_keys.word') is null then
    create domain portcullis_keys.word as text collate "C";
  end if;
end $$;
create table if not exists portcullis_keys.tenant_key (
  tenant portcullis_keys.word primary key,
  id portcullis_keys.word not null unique,
  wrapped_by portcullis_keys.word not null,
  wrapped portcullis_keys.word not null,
  created_at bigint not null
);`
