import { members } from "../json/lossless";
import type { Path } from "../templates/path";
import { useField } from "./context";
import { JsonControl } from "./JsonField";
import { FieldButton, Group } from "./parts";

const maxShown = 50;

/** The keys of an object that no field of the form shows. They stay until somebody removes them. */
export function UnknownKeys({ path, known }: { path: Path; known: readonly string[] }) {
  const { value } = useField(path);
  const keys = [...members(value).keys()].filter((k) => !known.includes(k));
  return (
    <>
      {keys.slice(0, maxShown).map((key) => (
        <UnknownKey key={key} path={[...path, key]} name={key} />
      ))}
    </>
  );
}

function UnknownKey({ path, name }: { path: Path; name: string }) {
  const { set, readOnly } = useField(path);
  return (
    <Group
      path={path}
      label={name}
      hint="This key is not known here."
      aside={
        readOnly ? undefined : (
          <FieldButton icon="trash" onClick={() => set(undefined)}>
            Remove
          </FieldButton>
        )
      }>
      <JsonControl path={path} label={`${name}, JSON`} minLines={1} />
    </Group>
  );
}
