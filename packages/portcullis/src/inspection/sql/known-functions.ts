/**
 * Decides which functions a statement that only reads may call when nobody has listed any: those that compute a value from their
 * arguments and touch nothing else, in any of the dialects. What is not here may do anything, since who made it is not known.
 */

const AGGREGATES = `count sum avg min max total stddev stddev_pop stddev_samp variance var_pop var_samp std corr covar_pop covar_samp
  regr_slope regr_intercept regr_r2 regr_count regr_avgx regr_avgy regr_sxx regr_sxy regr_syy array_agg string_agg group_concat
  listagg json_agg jsonb_agg json_object_agg jsonb_object_agg json_arrayagg json_objectagg json_group_array json_group_object
  jsonb_group_array jsonb_group_object bool_and bool_or every bit_and bit_or bit_xor mode median percentile_cont percentile_disc
  approx_count_distinct any_value grouping grouping_id count_big countif count_if sumif sum_if avg_if uniq uniqexact quantile
  arg_min arg_max argmin argmax first last string_agg_distinct checksum_agg stdev stdevp var varp approx_percentile
  approx_quantiles collect_list collect_set histogram_numeric`
const WINDOWS = `row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value nth_value`
const NUMBERS = `abs ceil ceiling floor round trunc truncate mod power pow sqrt cbrt exp ln log log2 log10 sign sin cos tan asin acos atan
  atan2 atn2 sinh cosh tanh asinh acosh atanh cot degrees radians pi square greatest least div gcd lcm factorial width_bucket
  random rand scale min_scale trim_scale numeric_inc bit_count bin oct crc32 safe_divide ieee_divide intdiv isnan isfinite isinf
  is_nan is_inf int2 int4 int8 float4 float8 numeric`
const TEXTS = `lower upper lcase ucase initcap length len char_length character_length octet_length bit_length substr substring substring_index
  mid left right trim ltrim rtrim btrim replace translate reverse repeat replicate space lpad rpad concat concat_ws || instr
  locate position strpos charindex patindex stuff insert overlay split_part split string_split string_to_array array_to_string
  string_to_table regexp_replace regexp_matches regexp_match regexp_like regexp_instr regexp_substr regexp_count
  regexp_split_to_array regexp_split_to_table regexp_extract regexp_contains regexp like similar_to_escape like_escape
  not_like_escape ascii char chr nchar unicode unistr ord hex unhex to_hex quote quotename quote_literal quote_ident
  quote_nullable format format_number printf soundex metaphone difference levenshtein similarity word_similarity unaccent elt
  field find_in_set make_set export_set to_base64 from_base64 encode decode md5 sha sha1 sha2 sha224 sha256 sha384 sha512
  hashbytes str strcmp starts_with startswith ends_with endswith contains normalize is_normalized convert_from convert_to
  to_ascii parse_ident text textlen textcat upper_inc nlssort nvl2 typeof pg_typeof collation charset coercibility string
  to_tsvector to_tsquery plainto_tsquery phraseto_tsquery websearch_to_tsquery ts_rank ts_rank_cd ts_headline setweight strip
  numnode querytree bm25 highlight snippet match likelihood likely unlikely`
const CHOICES = `coalesce ifnull isnull nullif nvl nvl2 iif if decode choose case zeroifnull nullifzero num_nulls num_nonnulls try_cast
  safe_cast cast convert try_convert parse try_parse to_char to_number to_date to_timestamp to_timestamp_tz to_json to_jsonb
  to_binary bool int date timestamp todate todatetime tostring toint32 toint64 tofloat64 touint32 touint64 safe_offset`
const TIMES = `now current_date current_time current_timestamp localtime localtimestamp curdate curtime sysdate sysdatetime sysutcdatetime
  sysdatetimeoffset getdate getutcdate utc_date utc_time utc_timestamp unix_timestamp unixepoch from_unixtime clock_timestamp
  statement_timestamp transaction_timestamp timeofday today yesterday date time datetime datetime2 julianday strftime timediff
  date_part date_trunc datepart datename datediff datediff_big date_diff date_add date_sub dateadd datesub adddate subdate
  addtime subtime date_bin date_format time_format str_to_date makedate maketime make_date make_time make_timestamp
  make_timestamptz make_interval extract age isfinite justify_days justify_hours justify_interval timezone at_time_zone
  convert_tz switchoffset todatetimeoffset year quarter month week weekofyear yearweek day dayofmonth dayofweek dayofyear
  dayname monthname weekday hour minute second microsecond millisecond to_days from_days to_seconds sec_to_time time_to_sec
  period_add period_diff last_day next_day eomonth months_between add_months trunc timestampadd timestampdiff timestamp_diff
  timestamp_trunc timestamp_add timestamp_sub datetime_diff datetime_trunc datetime_add datetime_sub date_from_unix_date
  datefromparts datetimefromparts timefromparts isdate interval overlaps parse_date parse_timestamp format_date
  format_timestamp unix_seconds unix_millis unix_date tostartofday tostartofhour tostartofmonth tostartofweek tostartofyear
  toyyyymm toyyyymmdd toyear tomonth todayofmonth epoch epoch_ms`
const JSON = `json jsonb json_extract jsonb_extract json_extract_scalar json_extract_string json_value json_query json_unquote json_quote
  json_array json_object jsonb_array jsonb_object json_array_length jsonb_array_length json_length json_depth json_type
  json_typeof jsonb_typeof json_valid isjson json_contains json_contains_path json_exists json_overlaps json_search json_keys
  json_each jsonb_each json_each_text jsonb_each_text json_tree jsonb_tree json_array_elements jsonb_array_elements
  json_array_elements_text jsonb_array_elements_text json_object_keys jsonb_object_keys json_extract_path
  json_extract_path_text jsonb_extract_path jsonb_extract_path_text json_build_object jsonb_build_object json_build_array
  jsonb_build_array json_strip_nulls jsonb_strip_nulls jsonb_pretty json_pretty jsonb_set json_set json_insert json_replace
  json_remove jsonb_insert json_patch json_merge_patch json_merge_preserve json_modify jsonb_path_exists jsonb_path_match
  jsonb_path_query jsonb_path_query_array jsonb_path_query_first json_to_record json_to_recordset jsonb_to_record
  jsonb_to_recordset row_to_json array_to_json hstore akeys avals get_json_object from_json parse_json object_construct
  array_construct json_table openjson to_variant`
const LISTS = `array array_length array_position array_positions array_append array_prepend array_cat array_remove array_replace
  array_dims array_ndims array_upper array_lower array_contains array_size array_sort array_distinct array_concat cardinality
  unnest flatten generate_series generate_subscripts generate_array generate_date_array sequence range explode posexplode columns
  lateral_flatten isempty lower_inc lower_inf upper_inf range_merge multirange element_at size sort_array struct named_struct map
  map_keys map_values row values list_value list_contains list_aggregate len arrayjoin has arraymap arrayfilter arrayelement`
const PLACES = `st_distance st_distance_sphere st_contains st_within st_intersects st_dwithin st_area st_length st_x st_y st_point st_makepoint
  st_setsrid st_astext st_asgeojson st_geomfromtext st_buffer st_centroid point circle box polygon path line lseg host family
  masklen netmask network broadcast inet_aton inet_ntoa inet6_aton inet6_ntoa is_ipv4 is_ipv6 uuid uuid_to_bin bin_to_uuid
  gen_random_uuid newid generate_uuid generateuuidv4 is_uuid`

/** In lower case. */
export const KNOWN_FUNCTIONS: ReadonlySet<string> = new Set(
  [AGGREGATES, WINDOWS, NUMBERS, TEXTS, CHOICES, TIMES, JSON, LISTS, PLACES].flatMap((list) =>
    list.trim().split(/\s+/),
  ),
)

/** A function in a schema is somebody's own, but for the one in which PostgreSQL keeps what it brings. */
export function isKnownFunction(name: readonly string[]): boolean {
  const parts = name.length > 1 && name[0]?.toLowerCase() === 'pg_catalog' ? name.slice(1) : name
  return parts.length === 1 && KNOWN_FUNCTIONS.has((parts[0] as string).toLowerCase())
}

/** Columns that PostgreSQL’s own functions of tables give. */
const FIELDS: ReadonlySet<string> = new Set([
  'key',
  'value',
  'ordinality',
  'word',
  'lexeme',
  'positions',
  'weights',
  'nentry',
  'ndoc',
])

/** What stands behind a row of a function, by the parts of its name. */
export const isKnownField = (name: readonly string[]): boolean => name.length === 1 && FIELDS.has(name[0] as string)
