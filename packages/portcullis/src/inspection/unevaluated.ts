/**
 * Decides what nobody has looked at, for `unevaluatedProperties` and `unevaluatedItems`. The engine's own keywords look up
 * names in an object that inherits some, so that a property `constructor` counted as declared, and expect a count where there
 * is `true`, or nothing yet because a branch was not taken.
 */
import { _, type Code, type CodeKeywordDefinition, type KeywordCxt, Name } from 'ajv'
import { Type } from 'ajv/dist/compile/util.js'

export const COUNT = 'portcullis-count'

/** Comes first in each schema in which something counts, so that there is always a count to add to. */
export const counting: CodeKeywordDefinition = {
  keyword: COUNT,
  schemaType: 'boolean',
  before: '$ref',
  code({ gen, it }) {
    it.props = gen.var('props', _`{}`)
    it.items = gen.var('items', 0)
  },
}

export const unevaluatedProperties: CodeKeywordDefinition = {
  keyword: 'unevaluatedProperties',
  type: 'object',
  schemaType: ['boolean', 'object'],
  error: {
    message: 'must NOT have unevaluated properties',
    params: ({ params }) => _`{unevaluatedProperty: ${params['unevaluatedProperty']}}`,
  },
  code(cxt) {
    const { gen, data, schema, it } = cxt
    const { props } = it
    if (props === true) return
    it.props = true
    if (schema === true) return
    const valid = gen.var('valid', true)
    gen.forIn('key', data, (key) =>
      gen.if(isOpen(props, key), () => {
        if (schema === false) refuse(cxt, key, valid)
        else cxt.subschema({ keyword: 'unevaluatedProperties', dataProp: key, dataPropType: Type.Str }, valid)
        gen.if(_`!${valid}`, () => gen.break())
      }),
    )
    cxt.ok(valid)
  },
}

function isOpen(props: KeywordCxt['it']['props'], key: Name): Code {
  if (props instanceof Name) return _`${props} !== true && !(${props} && Object.hasOwn(${props}, ${key}))`
  const names = Object.entries(props ?? {}).filter(([, evaluated]) => evaluated === true)
  return names.reduce((all, [name]) => _`${all} && ${key} !== ${name}`, _`true`)
}

function refuse(cxt: KeywordCxt, key: Name, valid: Name): void {
  cxt.setParams({ unevaluatedProperty: key })
  cxt.gen.assign(valid, false)
  cxt.error()
}

export const unevaluatedItems: CodeKeywordDefinition = {
  keyword: 'unevaluatedItems',
  type: 'array',
  schemaType: ['boolean', 'object'],
  error: { message: 'must NOT have unevaluated items' },
  code(cxt) {
    const { gen, data, schema, it } = cxt
    const { items } = it
    if (items === true) return
    it.items = true
    if (schema === true) return
    const length = gen.const('length', _`${data}.length`)
    const first = gen.const('first', looked(items, length))
    if (schema === false) cxt.fail(_`${length} > ${first}`)
    else cxt.ok(rest(cxt, first, length))
  },
}

function looked(items: number | Name | undefined, length: Name): Code {
  return items instanceof Name ? _`${items} === true ? ${length} : ${items} || 0` : _`${items ?? 0}`
}

/** Whether the items from `first` on are valid. */
function rest(cxt: KeywordCxt, first: Name, length: Name): Name {
  const { gen } = cxt
  const valid = gen.var('valid', true)
  gen.forRange('i', first, length, (at) => {
    cxt.subschema({ keyword: 'unevaluatedItems', dataProp: at, dataPropType: Type.Num }, valid)
    gen.if(_`!${valid}`, () => gen.break())
  })
  return valid
}
