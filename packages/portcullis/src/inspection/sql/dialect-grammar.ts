/** The parts of the tree of sqlparser 0.62 (Apache DataFusion's parser of many dialects) that the walk understands. */

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/))

/** Left out on purpose: pipes, MATCH_RECOGNIZE, settings, output formats, FOR XML and every statement without a kind. */
export const DIALECT_NODES = words(`
  Query Select SetOperation Values Insert Update Delete Merge Explain ExplainTable ShowTables ShowColumns ShowDatabases
  ShowSchemas ShowViews ShowCreate CreateTable CreateView CreateIndex AlterTable Drop Truncate
  UnnamedExpr ExprWithAlias ExprWithAliases Wildcard QualifiedWildcard Expr ObjectName
  Identifier CompoundIdentifier CompoundFieldAccess JsonAccess Dot Bracket Subscript Index Slice
  IsFalse IsNotFalse IsTrue IsNotTrue IsNull IsNotNull IsUnknown IsNotUnknown IsDistinctFrom IsNotDistinctFrom IsNormalized
  InList InSubquery InUnnest Between BinaryOp Like ILike SimilarTo RLike AnyOp AllOp UnaryOp Convert Cast AtTimeZone Extract
  Ceil Floor Position Substring Trim Overlay Collate Nested Value TypedString Prefixed Function Case Exists Subquery
  GroupingSets Cube Rollup Tuple Struct Named Dictionary Map Array Interval MatchAgainst Lambda OuterJoin Prior MemberOf
  Number SingleQuotedString EscapedStringLiteral NationalStringLiteral HexStringLiteral SingleQuotedByteStringLiteral
  DoubleQuotedString DoubleQuotedByteStringLiteral SingleQuotedRawStringLiteral DoubleQuotedRawStringLiteral Boolean Placeholder
  DateTimeField
  List Unnamed ExprNamed OrderBy Limit Separator Having OnOverflow WindowSpec NamedWindow Preceding Following
  Table Derived TableFunction UNNEST JsonTable NestedJoin Pivot Unpivot
  Join Inner Left LeftOuter Right RightOuter FullOuter CrossJoin Semi LeftSemi RightSemi Anti LeftAnti RightAnti CrossApply
  OuterApply StraightJoin AsOf On Using BeforeTableAlias AfterTableAlias
  Expressions LimitOffset OffsetCommaLimit Constant One Many
  TableName ColumnName WithFromKeyword WithoutKeyword DuplicateKeyUpdate OnConflict Columns DoUpdate
  MergeInsert MergeUpdate Single BeforeSet AfterSet
  Default Unique PrimaryKey ForeignKey Check NotNull Null DialectSpecific AddColumn DropColumn RenameColumn RenameTable AddConstraint
  DropConstraint AlterColumn As To`)

export const DIALECT_FIELDS = words(`
  with body projection from relation joins join_operator selection group_by having order_by limit_clause limit offset limit_by
  fetch locks top top_before_distinct distinct qualify named_window lateral_view lateral_views connect_by cluster_by
  distribute_by sort_by into condition relationships prewhere
  left right expr exprs subquery low high pattern array array_exprs compare_op operand conditions result else_result elem key value
  values array_expr substring_from substring_for trim_what trim_characters overlay_what overlay_from overlay_for charset
  columns match_value root access_chain path index lower_bound upper_bound stride timestamp time_zone
  fields args clauses over filter within_group partition_by window_frame start_bound end_bound parameters
  kind options rows content row explicit_row table table_with_joins on sample quantity modifier bucket offset_clause
  with_offset lateral_alias value_source value_column aggregate_functions default_on_null json_expr json_path
  source assignments target after_columns returning using selection tables statement table_name table_names obj_name
  action conflict_target do_update clause_kind output insert update_predicate insert_predicate delete_predicate
  column column_def constraints option data_type_option query names operations operation
  column_name column_names new_column_name old_column_name foreign_table referred_columns name item arg params
  columns_definition default column_defs set_expr show_options show_in parent_name filter_position delete_where
  over_clause opt_except opt_exclude opt_replace opt_rename first_element additional_elements items as_expr
  item_alias elements sets predicate list constraint`)

export const DIALECT_IGNORED = words(`
  span token flavor quote_style negated escape_char data_type op all set_operator set_quantifier duplicate_treatment null_treatment
  uses_odbc_syntax nocycle units leading_field leading_precision last_field fractional_seconds_precision field syntax style
  recursive explicit named regexp any is_some target_before_value trim_where percent with_ties unit parenthesized global
  with_ordinality lateral outer lateral_view_name lateral_col_alias has_table_keyword overwrite ignore or priority replace_into
  as_keyword asc nulls_first with_fill describe_alias analyze verbose query_plan estimate format hive_format has_table_keyword
  opt_modifier search_modifier obj_type object_type if_exists if_not_exists cascade restrict purge temporary or_replace or_alter
  transient unique concurrently nulls_distinct tablename match_kind opt_nulls window_before_qualify
  terse history extended full limit_from starts_with lock_type nonblock materialized quoted 
  drop_behavior has_column_keyword not_valid is_generated characteristics index_name index_type enforced on_delete on_update
  tokens collation strict without_rowid shorthand 
  secure value_keyword operator clause parent_type hive_distribution column_keyword char_length sorting`)
