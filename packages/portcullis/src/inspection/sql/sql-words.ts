/** Which words of SQL matter for the shape of a sentence; one letter for each class. `sql-tokens.ts` tells the letters of the rest. */

/** Classes of words. A word that is in none is `w`. */
const CLASSES: Readonly<Record<string, string>> = {
  /** Joins conditions. */
  '&': 'and or xor',
  /** Compares. */
  '=': 'like rlike regexp glob ilike match similar sounds between in',
  i: 'is isnull notnull',
  '!': 'not binary',
  /** Constants. */
  t: 'null true false',
  '+': 'div mod',
  U: 'union except intersect minus',
  A: 'all distinct distinctrow top',
  E: 'select',
  F: 'from',
  W: 'where',
  H: 'having',
  L: 'limit',
  I: 'into',
  C: 'collate',
  K: 'case',
  k: 'when then else end',
  X: 'exists any some',
  /** Begins a statement. */
  D: `insert update delete drop create alter exec execute declare truncate shutdown grant revoke merge replace call load copy
    backup restore rename set waitfor begin if use dbcc handler do kill print lock reconfigure attach detach pragma vacuum bulk show`,
}

/** Functions that an attack needs: they wait, read files, run commands, call out or make errors that speak. */
const WEAPONS = `sleep pg_sleep pg_sleep_for benchmark load_file extractvalue updatexml xp_cmdshell xp_dirtree xp_fileexist xp_regread
  sp_executesql sp_oacreate sp_configure pg_read_file pg_ls_dir lo_import lo_export lo_get lo_put lo_from_bytea dblink dblink_connect load_extension
  receive_message get_host_address httpuritype openrowset opendatasource openquery sys_eval sys_exec query_to_xml database_to_xml
  randomblob fn_xe_file_target_read_file json_keys gtid_subset st_latfromgeohash ctxsys xmltype get_lock randomblob
  make_set exp_tables bfilename analyse fn_varbintohexstr`

/** Functions that ask what the database is, or build text that filters do not see. */
const RECON = `version user database schema current_user session_user system_user current_database current_setting group_concat
  concat concat_ws char chr nchar ascii ord hex unhex substring substr mid left right conv lpad rpad char_length elt
  bit_length cast convert ifnull nullif isnull coalesce greatest rand floor count length md5 sha1 sha2 make_set field instr
  locate position reverse quote string_agg listagg array_agg table_name xmlagg bin oct strcmp aes_decrypt aes_encrypt
  compress uncompress to_base64 from_base64 json_extract json_depth json_length row_count last_insert_id sysdate now
  iif if case cos sin tan abs sqrt log exp pow power round mod ceil sign unicode quotename db_name user_name suser_name
  host_name object_id col_name is_srvrolemember has_dbaccess sqlite_version sqlite_compileoption_get sqlite_compileoption_used
  upper lower trim ltrim rtrim replace insert repeat space stuff translate to_char typeof likely unlikely total changes
  zeroblob printf unistr randomblob hex last_insert_rowid sum min max avg pi connection_id row values uuid
  glob benchmark found_rows regexp_like regexp_substr bit_count crc32 soundex json_object json_array json_value jsonb_each`

/** Where databases write down what they hold. */
const CATALOGUES = `information_schema pg_catalog pg_class pg_tables pg_shadow pg_user sqlite_master sqlite_schema sysobjects syscolumns
  sysdatabases sysusers syslogins all_tables all_tab_columns user_tables user_tab_columns dba_users dba_tables msysaccessobjects
  sysibm systables innodb_table_stats`

/** Each known word and its letter, `f` and `Z` only where a bracket follows; what is not known is `w`. */
export const LETTER_OF: ReadonlyMap<string, string> = new Map([
  ...listed(RECON).map((word) => [word, 'f'] as const),
  ...listed(CATALOGUES).map((word) => [word, 'G'] as const),
  ...listed(WEAPONS).map((word) => [word, 'Z'] as const),
  ...Object.entries(CLASSES).flatMap(([letter, words]) => listed(words).map((word) => [word, letter] as const)),
])

/** Words of a class that are functions where a bracket follows. */
export const ALSO_FUNCTION: ReadonlySet<string> = new Set(
  listed(RECON).filter((word) => 'D=!C'.includes(LETTER_OF.get(word) ?? '-')),
)

export const MAX_WORD_LENGTH = Math.max(...[...LETTER_OF.keys()].map((word) => word.length))

function listed(words: string): readonly string[] {
  return words.trim().split(/\s+/)
}
