// A table of few rows, sorted by a click on a title. Long lists are `Grid`'s.
import {
  type ColumnDef,
  createSortedRowModel,
  rowSortingFeature,
  type SortingState,
  sortFns,
  tableFeatures,
  useTable,
} from "@tanstack/react-table";
import { type ReactNode, useState } from "react";
import { Icon } from "./Icon";

const features = tableFeatures({
  rowSortingFeature,
  sortedRowModel: createSortedRowModel(),
  sortFns,
});

export interface Column<T> {
  id: string;
  title: string;
  /** What it is sorted by; without, it is not. */
  by?: (row: T) => string | number | null | undefined;
  cell: (row: T) => ReactNode;
  number?: boolean;
}

export function Plain<T extends object>({
  label,
  columns,
  rows,
  idOf,
  onOpen,
  current,
}: {
  label: string;
  columns: Column<T>[];
  rows: T[];
  idOf: (row: T) => string;
  onOpen?: (row: T) => void;
  /** The row that is chosen, by its id. */
  current?: string | null;
}) {
  const [sorting, setSorting] = useState<SortingState>([]);
  const table = useTable({
    features,
    data: rows,
    getRowId: idOf,
    columns: columns.map(
      (column): ColumnDef<typeof features, T> => ({
        id: column.id,
        header: column.title,
        accessorFn: (row) => column.by?.(row) ?? "",
        enableSorting: column.by !== undefined,
        sortFn: "alphanumeric",
        cell: ({ row }) => column.cell(row.original),
      }),
    ),
    state: { sorting },
    onSortingChange: setSorting,
  });
  const numbers = new Set(columns.filter((one) => one.number).map((one) => one.id));
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard
    <div className="scroll" role="group" aria-label={label} tabIndex={0}>
      <table className="plain">
        <thead>
          {table.getHeaderGroups().map((group) => (
            <tr key={group.id}>
              {group.headers.map((header) => {
                const sorted = header.column.getIsSorted();
                return (
                  <th
                    key={header.id}
                    scope="col"
                    className={numbers.has(header.id) ? "number" : ""}
                    aria-sort={sorted ? (sorted === "asc" ? "ascending" : "descending") : undefined}
                  >
                    {header.column.getCanSort() ? (
                      <button type="button" onClick={header.column.getToggleSortingHandler()}>
                        <table.FlexRender header={header} />
                        {sorted ? <Icon name={sorted === "asc" ? "up" : "down"} /> : null}
                      </button>
                    ) : (
                      <table.FlexRender header={header} />
                    )}
                  </th>
                );
              })}
            </tr>
          ))}
        </thead>
        <tbody>
          {table.getRowModel().rows.map((row) => (
            <tr
              key={row.id}
              data-opens={onOpen !== undefined}
              data-current={current === row.id}
              onClick={(event) => {
                if ((event.target as HTMLElement).closest("a, button, input, label")) return;
                onOpen?.(row.original);
              }}
            >
              {row.getAllCells().map((cell) => (
                <td key={cell.id} className={numbers.has(cell.column.id) ? "number" : ""}>
                  <table.FlexRender cell={cell} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
