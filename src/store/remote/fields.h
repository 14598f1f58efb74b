#pragma once

#include <concepts>
#include <type_traits>

#include "base/error.h"
#include "store/kv/database.h"
#include "store/kv/store.h"
#include "store/object/bucket.h"
#include "store/sql/migrations.h"
#include "store/sql/value.h"

// The parts of each type that goes from process to process, in their order, for the codec's two
// directions.
namespace cusp::store::remote {

template <class T, class Plain>
concept Is = std::same_as<std::remove_const_t<T>, Plain>;

// The largest enumerator that a peer may say.
template <class Enum>
inline constexpr Enum kLast = Enum::kLast;
template <>
inline constexpr ErrorCode kLast<ErrorCode> = ErrorCode::kInternal;
template <>
inline constexpr kv::Change::Kind kLast<kv::Change::Kind> = kv::Change::Kind::kCheck;

void fields(auto& codec, Is<Error> auto& e) { codec(e.code, e.message, e.context); }
void fields(auto& codec, Is<kv::StoreName> auto& name) { codec(name.app, name.store); }
void fields(auto& codec, Is<kv::Entry> auto& entry) {
  codec(entry.value, entry.metadata, entry.expires, entry.revision);
}
void fields(auto& codec, Is<kv::Change> auto& change) {
  codec(change.kind, change.key, change.value, change.metadata, change.expires, change.delta,
        change.expected);
}
void fields(auto& codec, Is<kv::Written> auto& written) {
  codec(written.applied, written.revision, written.sums);
}
void fields(auto& codec, Is<kv::ListOptions> auto& options) {
  codec(options.prefix, options.after, options.limit);
}
void fields(auto& codec, Is<kv::Listed> auto& listed) {
  codec(listed.key, listed.metadata, listed.expires, listed.revision);
}
void fields(auto& codec, Is<kv::Page> auto& page) { codec(page.keys, page.next); }
void fields(auto& codec, Is<sql::Blob> auto& blob) { codec(blob.bytes); }
void fields(auto& codec, Is<sql::Statement> auto& statement) {
  codec(statement.text, statement.parameters, statement.named);
}
void fields(auto& codec, Is<sql::Column> auto& column) { codec(column.name, column.type); }
void fields(auto& codec, Is<sql::Description::Parameter> auto& one) { codec(one.name); }
void fields(auto& codec, Is<sql::Description> auto& description) {
  codec(description.parameters, description.columns, description.explain, description.reads);
}
void fields(auto& codec, Is<sql::Last> auto& last) { codec(last.changes, last.insert_rowid); }
void fields(auto& codec, Is<sql::Rows> auto& rows) {
  codec(rows.columns, rows.values, rows.changes, rows.last);
}
void fields(auto& codec, Is<sql::Migration> auto& migration) {
  codec(migration.name, migration.text, migration.digest);
}
void fields(auto& codec, Is<object::ListOptions> auto& options) {
  codec(options.prefix, options.delimiter, options.after, options.limit);
}
// What a listing tells of an object.
void fields(auto& codec, Is<object::Head> auto& head) {
  codec(head.key, head.size, head.etag, head.modified);
}
void fields(auto& codec, Is<object::Listing> auto& listing) {
  codec(listing.objects, listing.prefixes, listing.next);
}

}  // namespace cusp::store::remote
