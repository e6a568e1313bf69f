// Numbers as texts: nothing is rounded.

const numberText = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** Reports whether a text is a JSON number. */
export const isNumber = (s: string): boolean => numberText.test(s);

/** What is wrong with a number as it is typed, or undefined. */
export function numberProblem(
  s: string,
  { integer, minimum, maximum }: { integer?: boolean; minimum?: number; maximum?: number },
): string | undefined {
  if (!isNumber(s)) return "This is not a number.";
  if (integer && !/^-?\d+$/.test(s)) return "This has to be a whole number.";
  if (minimum !== undefined && Number(s) < minimum) return `This has to be at least ${minimum}.`;
  if (maximum !== undefined && Number(s) > maximum) return `This can be at most ${maximum}.`;
  return undefined;
}
