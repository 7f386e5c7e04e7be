import { TextInput, type TextInputProps } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { useEffect, useRef, useState } from 'react';
import { Icon } from './icon.tsx';

/** A search of a list by name. What is typed is shown at once; the address, and with it the list, follows. */
export function NameSearch({
  value,
  onSearch,
  ...props
}: { value: string; onSearch: (name: string) => void } & Pick<TextInputProps, 'w' | 'maw' | 'mb'>) {
  const [typed, setTyped] = useState(value);
  const asked = useRef(value);
  const search = useDebouncedCallback((name: string) => {
    asked.current = name;
    onSearch(name);
  }, 150);
  // What comes by itself, as by "Show all", and not what was typed here, since when more may have been typed.
  useEffect(() => {
    if (value === asked.current) return;
    asked.current = value;
    setTyped(value);
  }, [value]);
  return (
    <TextInput
      aria-label="Search by name"
      placeholder="Search by name"
      leftSection={<Icon name="search" />}
      value={typed}
      onChange={(event) => {
        setTyped(event.currentTarget.value);
        search(event.currentTarget.value);
      }}
      {...props}
    />
  );
}
