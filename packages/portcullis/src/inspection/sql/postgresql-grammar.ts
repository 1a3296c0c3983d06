/** The parts of PostgreSQL's parse tree (nodes/parsenodes.h of PostgreSQL 18) that the walk understands. */

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/))

/** Left out on purpose: COPY, DO, CALL, SET, PREPARE, GRANT, LISTEN, LOAD and all that defines functions, roles or servers. */
export const POSTGRESQL_NODES = words(`
  SelectStmt InsertStmt UpdateStmt DeleteStmt MergeStmt ExplainStmt VariableShowStmt
  CreateStmt CreateTableAsStmt ViewStmt IndexStmt AlterTableStmt AlterTableCmd RenameStmt DropStmt TruncateStmt
  ColumnDef Constraint IndexElem DefElem List String
  ResTarget ColumnRef ParamRef A_Const A_Expr A_Star A_ArrayExpr A_Indices A_Indirection BoolExpr NullTest BooleanTest
  CaseExpr CaseWhen CoalesceExpr MinMaxExpr RowExpr SubLink FuncCall NamedArgExpr TypeCast TypeName CollateClause
  SQLValueFunction GroupingFunc GroupingSet SortBy WindowDef SetToDefault CurrentOfExpr MultiAssignRef
  RangeVar RangeSubselect RangeFunction RangeTableSample JoinExpr LockingClause
  OnConflictClause MergeWhenClause
  JsonFuncExpr JsonObjectConstructor JsonArrayConstructor JsonArrayQueryConstructor JsonObjectAgg JsonArrayAgg JsonKeyValue
  JsonIsPredicate JsonParseExpr JsonScalarExpr JsonSerializeExpr JsonArgument JsonTable JsonTableColumn JsonValueExpr
  XmlExpr XmlSerialize RangeTableFunc RangeTableFuncCol`)

export const POSTGRESQL_FIELDS = words(`
  targetList fromClause whereClause groupClause havingClause windowClause valuesLists sortClause limitOffset limitCount
  lockingClause larg rarg distinctClause intoClause rel into distinct
  relation cols selectStmt onConflictClause returningClause returningList usingClause sourceRelation joinCondition exprs
  mergeWhenClauses condition values infer indexElems query view relations options
  cmds def tableElts constraints raw_default raw_expr indexParams pktable including
  expr indirection val lexpr rexpr elements lidx uidx arg args defresult result testexpr subselect content
  agg_order agg_filter over partitionClause orderClause startOffset endOffset node typeName typmods collClause
  subquery functions coldeflist repeatable quals func output returning key on_empty on_error passing
  context_item pathspec string columns named_args docexpr rowexpr colexpr coldefexpr format format_type source items
  value raw_expr formatted_expr coltype`)

/** Numbers, positions, names and switches that no rule asks for. */
export const POSTGRESQL_IGNORED = words(`
  location stmt_location stmt_len op all kind limitOption groupDistinct boolop nulltesttype booltesttype
  agg_star agg_distinct agg_within_group func_variadic funcformat relpersistence inh isnull
  sortby_dir sortby_nulls useOp frameOptions name refname subLinkType subLinkId operName number isNatural jointype
  lateral ordinality is_rowsfrom override matchKind commandType xmloption oncommit replace withCheckOption behavior missing_ok
  concurrent unique storage generated_when contype skip_validation initially_valid deferrable initdeferred conname keys
  fk_attrs pk_attrs fk_matchtype fk_upd_action fk_del_action nulls_not_distinct ordering nulls_ordering idxname accessMethod
  if_not_exists objtype renameType relationType subname newname collname names typemod setof pct_type arrayBounds colname row_format
  minmaxop restart_seqs argname argnumber absent_on_null unique_keys item_type wrapper quotes for_ordinality is_not_null
  is_local list_start list_end rexpr_list_start rexpr_list_end is_enforced onCommit name_location colno ncolumns
  skipData opclass subtype colNames newcollation conflictClause action column_name indent isTopLevel`)
