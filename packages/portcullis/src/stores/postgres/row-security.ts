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
  for one in
    select * from (values
      ('api_key', 'digest', 'select'),
      ('account', 'id', 'select'), ('account', 'name', 'select'), ('account', 'id', 'update'),
      ('oauth_client', 'id', 'select'),
      ('passkey', 'id', 'select'), ('passkey', 'account', 'select'), ('passkey', 'id', 'update'),
      ('passkey', 'account', 'delete'),
      ('account_link', 'subject', 'select'), ('account_link', 'account', 'select'), ('account_link', 'account', 'delete')
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
