// The issue-value of RFC 8659 §4.2, in which CAA and dns-persist-01 records are written. Pure.

export interface IssueValue {
  /** Lower case; empty where the record names nobody. */
  readonly issuer: string;
  /** In order, tags in lower case, values as they stand; a tag may come twice. */
  readonly parameters: readonly { readonly tag: string; readonly value: string }[];
}

const LABEL = '[a-z0-9](?:-*[a-z0-9])*';
const ISSUER = new RegExp(`^(?:${LABEL}(?:\\.${LABEL})*)?$`, 'i');
const PARAMETER = new RegExp(`^(${LABEL})[ \\t]*=[ \\t]*([\\x21-\\x3a\\x3c-\\x7e]*)$`, 'i');
/** Longer than any record that a person writes; zones hold what strangers put there. */
const MAX_LENGTH = 4096;

/** `ca.example; accounturi=https://…; policy=wildcard`. Undefined when the text does not follow the grammar. */
export function parseIssueValue(text: string): IssueValue | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const [issuer = '', ...rest] = text.split(';').map((part) => part.replace(/^[ \t]+|[ \t]+$/g, ''));
  if (!ISSUER.test(issuer)) return undefined;
  if (rest.length === 1 && rest[0] === '') rest.pop(); // a semicolon may end the issuer, and no parameter
  const parameters: { tag: string; value: string }[] = [];
  for (const part of rest) {
    const [, tag, value] = PARAMETER.exec(part) ?? [];
    if (tag === undefined || value === undefined) return undefined;
    parameters.push({ tag: tag.toLowerCase(), value });
  }
  return { issuer: issuer.toLowerCase(), parameters };
}

/** The values of one tag. */
export const parametersOf = ({ parameters }: IssueValue, tag: string): string[] =>
  parameters.filter((parameter) => parameter.tag === tag).map(({ value }) => value);
