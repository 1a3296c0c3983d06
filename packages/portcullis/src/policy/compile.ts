/** Turns a condition in Cedar's JSON form (EST) into a closure that evaluates it. */
import type { Expr } from '@cedar-policy/cedar-wasm/nodejs'
import { actionEntity } from './entities.ts'
import { EXTENSIONS } from './extension.ts'
import { compilePattern } from './like.ts'
import { add, multiply, negate, subtract } from './long.ts'
import {
  attribute,
  boolean,
  entity as entityOf,
  equality,
  hasPath,
  long,
  membership,
  missing,
  not,
  noTag,
  order,
  set,
  string,
  vagueOr,
} from './operation.ts'
import {
  Entity,
  EvaluationError,
  equal,
  Fields,
  isVague,
  type Outcome,
  type RecordValue,
  SetValue,
  UNKNOWN,
  type Unknown,
  type Value,
} from './value.ts'

/** What the four variables of Cedar stand for. */
export interface Question {
  readonly principal: Entity
  readonly action: Entity
  readonly resource: Entity
  readonly context: RecordValue
}

/** Throws EvaluationError as Cedar does; gives UNKNOWN only where the question holds something unknown. */
export type Evaluate = (question: Question) => Outcome

type Binary = { readonly left: Expr; readonly right: Expr }
type Operators = { readonly [operator: string]: (operand: never) => Evaluate }

/** Compiles one expression. Throws EvaluationError for an operator that it does not know or a literal out of range. */
export function compileExpression(expression: Expr): Evaluate {
  const [operator, operand] = Object.entries(expression)[0] as [string, unknown]
  if (Object.hasOwn(OPERATORS, operator)) return (OPERATORS[operator] as (operand: unknown) => Evaluate)(operand)
  if (Object.hasOwn(EXTENSIONS, operator)) return call(operator, operand as readonly Expr[])
  throw new EvaluationError(`unsupported operator ${operator}`)
}

const OPERATORS: Operators = {
  Value: literal,
  Var: (name: keyof Question) => (question) => question[name],
  '!': ({ arg }: { arg: Expr }) => unary(arg, (value) => !boolean(value)),
  neg: ({ arg }: { arg: Expr }) => unary(arg, (value) => negate(long(value))),
  '==': (sides: Binary) => binary(sides, equality),
  '!=': (sides: Binary) => binary(sides, (left, right) => not(equality(left, right))),
  '<': (sides: Binary) => binary(sides, (left, right) => order(left, right) < 0),
  '<=': (sides: Binary) => binary(sides, (left, right) => order(left, right) <= 0),
  '>': (sides: Binary) => binary(sides, (left, right) => order(left, right) > 0),
  '>=': (sides: Binary) => binary(sides, (left, right) => order(left, right) >= 0),
  '+': (sides: Binary) => binary(sides, (left, right) => add(long(left), long(right))),
  '-': (sides: Binary) => binary(sides, (left, right) => subtract(long(left), long(right))),
  '*': (sides: Binary) => binary(sides, (left, right) => multiply(long(left), long(right))),
  in: (sides: Binary) => binary(sides, membership),
  contains: (sides: Binary) => binary(sides, (left, right) => vagueOr(left, right, () => set(left).contains(right))),
  containsAll: (sides: Binary) =>
    binary(sides, (left, right) => vagueOr(left, right, () => set(left).containsAll(set(right)))),
  containsAny: (sides: Binary) =>
    binary(sides, (left, right) => vagueOr(left, right, () => set(left).containsAny(set(right)))),
  isEmpty: ({ arg }: { arg: Expr }) => unary(arg, (value) => set(value).elements.length === 0),
  // No entity of ours carries tags, so none is ever there; the types are checked as Cedar does.
  hasTag: (sides: Binary) => binary(sides, (left, right) => noTag(left, right)),
  getTag: (sides: Binary) =>
    binary(sides, (left, right) => {
      noTag(left, right)
      throw new EvaluationError('a tag is missing')
    }),
  '.': ({ left, attr }: { left: Expr; attr: string }) =>
    isArguments(left) ? argument(attr) : unary(left, (value) => attribute(value, attr)),
  has: ({ left, attr }: { left: Expr; attr: string | readonly string[] }) =>
    unary(left, (value) => hasPath(value, typeof attr === 'string' ? [attr] : attr)),
  like: ({ left, pattern }: { left: Expr; pattern: Parameters<typeof compilePattern>[0] }) => {
    const matches = compilePattern(pattern)
    return unary(left, (value) => matches(string(value)))
  },
  is: ({ left, entity_type, in: parent }: { left: Expr; entity_type: string; in?: Expr }) => {
    const typed = unary(left, (value) => entityOf(value).type === entity_type)
    return parent === undefined ? typed : and(typed, binary({ left, right: parent }, membership))
  },
  '&&': ({ left, right }: Binary) => and(compileExpression(left), compileExpression(right)),
  '||': ({ left, right }: Binary) => or(compileExpression(left), compileExpression(right)),
  'if-then-else': (parts: { if: Expr; then: Expr; else: Expr }) =>
    choice(compileExpression(parts.if), compileExpression(parts.then), compileExpression(parts.else)),
  Set: (elements: readonly Expr[]) => {
    const parts = elements.map(compileExpression)
    return constantly(elements, (question) => {
      const values = parts.map((part) => part(question))
      return values.includes(UNKNOWN) ? UNKNOWN : new SetValue(values as Value[])
    })
  },
  Record: (members: Readonly<Record<string, Expr>>) => {
    const parts = Object.entries(members).map(([name, part]) => [name, compileExpression(part)] as const)
    return (question) => {
      const fields = parts.map(([name, part]) => [name, part(question)] as const)
      return fields.some(([, value]) => value === UNKNOWN) ? UNKNOWN : new Fields(new Map(fields))
    }
  },
}

function literal(value: unknown): Evaluate {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) {
    throw new EvaluationError('integers in policies are limited to 2^53')
  }
  if (typeof value !== 'object') return () => value as Value
  const { __entity: name } = value as { __entity: { type: string; id: string } }
  const entity = name.type === 'Action' ? actionEntity(name.id) : new Entity(name.type, name.id)
  return (question) => known(entity, question)
}

/** A name in a policy is the entity of the question where they are the same one, so that its attributes are found. */
function known(name: Entity, { principal, resource, action }: Question): Outcome {
  if (resource.vague && name.type === resource.type) return UNKNOWN
  if (name.is(resource)) return resource
  if (name.is(principal)) return principal
  return name.is(action) ? action : name
}

const isArguments = (expression: Expr): boolean =>
  JSON.stringify(expression) === '{".":{"left":{"Var":"context"},"attr":"args"}}'

/** `context.args.name`, which most conditions read, as one closure instead of three: each costs a look into memory. */
function argument(name: string): Evaluate {
  return ({ context }) => {
    const args: Outcome = missing(context.get('args'), 'attribute args')
    return args === UNKNOWN ? UNKNOWN : attribute(args, name)
  }
}

function unary(operand: Expr, apply: (value: Value) => Outcome): Evaluate {
  const evaluate = compileExpression(operand)
  return (question) => {
    const value = evaluate(question)
    return value === UNKNOWN ? UNKNOWN : apply(value)
  }
}

function binary(sides: Binary, apply: (left: Value, right: Value) => Outcome): Evaluate {
  const [first, second] = [compileExpression(sides.left), compileExpression(sides.right)]
  return (question) => {
    const left = first(question)
    const right = second(question)
    return left === UNKNOWN || right === UNKNOWN ? UNKNOWN : apply(left, right)
  }
}

/** Constructors such as `ip("10.0.0.0/8")` and sets of literals are evaluated once, when the policy is loaded. */
function constantly(operands: readonly Expr[], evaluate: Evaluate): Evaluate {
  if (!operands.every((operand) => 'Value' in operand && typeof operand.Value !== 'object')) return evaluate
  let value: Outcome | undefined
  return (question) => {
    return (value ??= evaluate(question))
  }
}

function call(name: string, operands: readonly Expr[]): Evaluate {
  const apply = EXTENSIONS[name] as (...values: readonly Value[]) => Value
  const parts = operands.map(compileExpression)
  return constantly(operands, (question) => {
    const values = parts.map((part) => part(question))
    return values.includes(UNKNOWN) ? UNKNOWN : apply(...(values as Value[]))
  })
}

const and =
  (first: Evaluate, second: Evaluate): Evaluate =>
  (question) => {
    const left = truth(first(question))
    if (left === false) return false
    const right = left === true ? truth(second(question)) : tolerant(second, question)
    return right === false ? false : left === true ? right : UNKNOWN
  }

const or =
  (first: Evaluate, second: Evaluate): Evaluate =>
  (question) => {
    const left = truth(first(question))
    if (left === true) return true
    const right = left === false ? truth(second(question)) : tolerant(second, question)
    return right === true ? true : left === false ? right : UNKNOWN
  }

const choice =
  (condition: Evaluate, then: Evaluate, otherwise: Evaluate): Evaluate =>
  (question) => {
    const chosen = truth(condition(question))
    if (chosen !== UNKNOWN) return (chosen ? then : otherwise)(question)
    const one: Outcome = tolerant(then, question)
    const other: Outcome = tolerant(otherwise, question)
    return one !== UNKNOWN && other !== UNKNOWN && !isVague(one) && !isVague(other) && equal(one, other) ? one : UNKNOWN
  }

/** Evaluates what may never be evaluated once the unknown is known: its failure is no more than another unknown. */
export function tolerant(evaluate: Evaluate, question: Question): Outcome {
  try {
    return evaluate(question)
  } catch (thrown) {
    if (thrown instanceof EvaluationError) return UNKNOWN
    throw thrown
  }
}

const truth = (value: Outcome): boolean | Unknown => (value === UNKNOWN ? UNKNOWN : boolean(value))
