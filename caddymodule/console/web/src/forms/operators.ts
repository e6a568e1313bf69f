// The operators of conditions and cases, in words.
import { arr, get, type Json, obj, str } from "../json/lossless";

export const operators = [
  ["equals", "is equal to"],
  ["notEquals", "is not equal to"],
  ["greaterThan", "is greater than"],
  ["greaterOrEqual", "is at least"],
  ["lessThan", "is less than"],
  ["lessOrEqual", "is at most"],
  ["contains", "contains"],
  ["notContains", "does not contain"],
  ["startsWith", "starts with"],
  ["endsWith", "ends with"],
  ["matches", "matches the pattern"],
  ["in", "is one of"],
  ["exists", "exists"],
  ["notExists", "does not exist"],
  ["isEmpty", "is empty"],
  ["isNotEmpty", "is not empty"],
  ["isTrue", "is true"],
  ["isFalse", "is false"],
] as const;

export type Operator = (typeof operators)[number][0];

const unary: ReadonlySet<string> = new Set<Operator>([
  "exists",
  "notExists",
  "isEmpty",
  "isNotEmpty",
  "isTrue",
  "isFalse",
]);

/** Reports whether an operator compares with a second value. */
export const takesRight = (operator: string): boolean => !unary.has(operator);
/** Reports whether the second value of an operator is usually a list. */
export const takesList = (operator: string): boolean => operator === "in";

/** Gives a condition an operator, and the second value that it takes. */
export function withOperator(value: Json, operator: string, key = "right"): Json {
  const rest =
    value.kind === "object" ? [...value.members].filter(([k]) => k !== "operator" && k !== key) : [];
  const had = get(value, key);
  const right = !takesRight(operator)
    ? undefined
    : takesList(operator) && (had === undefined || (had.kind === "string" && had.value === ""))
      ? arr(str(""))
      : (had ?? str(""));
  return obj([...rest, ["operator", str(operator)], ...(right ? [[key, right] as const] : [])] as [
    string,
    Json,
  ][]);
}
