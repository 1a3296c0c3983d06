/** Decides who sees which row. Written anew with each migration, so that a table can never be without its rules. */

/** Runs as the owner, after the steps; replaces whatever policies stand there. */
export const ROW_SECURITY = `
do $$
declare
  one record;
  own constant text := 'tenant = nullif(current_setting(''portcullis.tenant'', true), '''')';
  is_named constant text := ' = nullif(current_setting(''portcullis.named'', true), '''')';
  is_node constant text := 'current_setting(''portcullis.all'', true) = ''node''';
begin
  for one in
    select schemaname, tablename, policyname from pg_policies where schemaname in ('portcullis', 'portcullis_keys')
  loop
    execute format('drop policy %I on %I.%I', one.policyname, one.schemaname, one.tablename);
  end loop;
  for one in
    select table_schema, table_name from information_schema.columns
    where table_schema in ('portcullis', 'portcullis_keys') and column_name = 'tenant'
  loop
    execute format('alter table %I.%I enable row level security', one.table_schema, one.table_name);
    execute format('alter table %I.%I force row level security', one.table_schema, one.table_name);
    execute format('create policy of_tenant on %I.%I using (%s)', one.table_schema, one.table_name, own);
  end loop;
  -- What has no tenant is open to whoever names it: a sign-in that begins belongs to nobody yet.
  for one in select * from (values ('grant_entry'), ('used_once')) as given (name)
  loop
    execute format('alter table portcullis.%I enable row level security', one.name);
    execute format('alter table portcullis.%I force row level security', one.name);
  end loop;
  create policy by_accounts_select on portcullis.grant_entry for select
    using (account = any (string_to_array(nullif(current_setting('portcullis.named', true), ''), chr(10))));
  create policy by_name_all on portcullis.used_once
    using (space || chr(10) || id = nullif(current_setting('portcullis.named', true), ''));
  for one in
    select * from (values
      ('api_key', 'digest', 'select'),
      ('account', 'id', 'select'), ('account', 'name', 'select'), ('account', 'id', 'update'),
      ('oauth_client', 'id', 'select'),
      ('passkey', 'id', 'select'), ('passkey', 'account', 'select'), ('passkey', 'id', 'update'),
      ('passkey', 'account', 'delete'),
      ('account_link', 'subject', 'select'), ('account_link', 'account', 'select'), ('account_link', 'account', 'delete'),
      ('grant_entry', 'digest', 'all'), ('grant_entry', 'alias', 'select'),
      ('grant_entry', 'family', 'select'), ('grant_entry', 'family', 'delete'), ('grant_entry', 'account', 'delete')
    ) as given (name, key, verb)
  loop
    execute format('create policy %I on portcullis.%I for %s using (%I%s)',
      'by_' || one.key || '_' || one.verb, one.name, one.verb, one.key, is_named);
  end loop;
  for one in
    select * from (values
      ('portcullis', 'api_key', 'select'), ('portcullis', 'api_key', 'update'),
      ('portcullis', 'revocation', 'select'), ('portcullis', 'revocation', 'delete'),
      ('portcullis', 'block', 'all'),
      ('portcullis', 'grant_entry', 'select'), ('portcullis', 'grant_entry', 'delete'),
      ('portcullis', 'used_once', 'select'), ('portcullis', 'used_once', 'delete'),
      ('portcullis', 'oauth_client', 'select'), ('portcullis', 'data_key', 'select'),
      ('portcullis_keys', 'tenant_key', 'select')
    ) as given (place, name, verb)
  loop
    execute format('create policy %I on %I.%I for %s using (%s)',
      'of_node_' || one.verb, one.place, one.name, one.verb, is_node);
  end loop;
end $$;
create or replace function portcullis.tell_nodes() returns trigger language plpgsql as $$
begin
  perform pg_notify('portcullis', tg_table_name);
  return null;
end $$;
create or replace trigger tell_nodes after insert on portcullis.revocation
  for each statement execute function portcullis.tell_nodes();
create or replace trigger tell_nodes after insert on portcullis.block
  for each statement execute function portcullis.tell_nodes();
create or replace function portcullis.hold_turn(its_name text, its_holder text) returns void language plpgsql as $$
begin
  -- Until this transaction ends nobody else can take the turn.
  perform 1 from portcullis.turn where name = its_name and holder = its_holder for share;
  if not found then
    raise exception 'the turn is lost' using errcode = 'PT001';
  end if;
end $$;
`

/** What the role of the gateways may do; its name stands in `portcullis.grantee`. Nothing is left to everybody. */
export const RIGHTS = `
do $$
declare
  grantee constant text := current_setting('portcullis.grantee');
  place text;
begin
  foreach place in array array['portcullis', 'portcullis_keys'] loop
    execute format('revoke all on schema %I from public, %I', place, grantee);
    -- Truncate and references are not held by row-level security.
    execute format('revoke all on all tables in schema %I from public, %I', place, grantee);
    execute format('grant usage on schema %I to %I', place, grantee);
    execute format('grant select, insert, update, delete on all tables in schema %I to %I', place, grantee);
  end loop;
  execute format('revoke insert, update, delete on portcullis.schema_version from %I', grantee);
end $$;
`

/**
 * What the role that makes backups may do; its name stands in `portcullis.reader`. It reads the rows of all tenants and
 * nothing else: not the keys of tenants, so that no backup can hold them.
 */
export const READER_RIGHTS = `
do $$
declare
  reader constant text := current_setting('portcullis.reader');
  one record;
begin
  execute format('revoke all on schema portcullis_keys from %I', reader);
  execute format('revoke all on all tables in schema portcullis, portcullis_keys from %I', reader);
  execute format('grant usage on schema portcullis to %I', reader);
  execute format('grant select on all tables in schema portcullis to %I', reader);
  execute format('grant select on all sequences in schema portcullis to %I', reader);
  for one in
    select relname as name from pg_class join pg_namespace on pg_namespace.oid = relnamespace
    where nspname = 'portcullis' and relkind = 'r' and relrowsecurity
  loop
    execute format('create policy of_backup on portcullis.%I for select to %I using (true)', one.name, reader);
  end loop;
end $$;
`
