#include "node/guest_geo.h"

#include "base/address.h"

namespace cusp::node {

namespace {

using engine::Value;

Value known(const std::string& text) { return text.empty() ? Value() : Value(text); }

void answer(engine::Call& call, const edge::Place& place) {
  const Value asn = place.asn == 0 ? Value() : Value(static_cast<int64_t>(place.asn));
  call.answer({known(place.continent), known(place.country), known(place.region), known(place.city),
               known(place.timezone), engine::to_value(place.latitude),
               engine::to_value(place.longitude), asn, known(place.as_organization)});
}

class GuestGeo final : public host::Capability {
 public:
  explicit GuestGeo(std::shared_ptr<const edge::Geo> geo) : geo_(std::move(geo)) {}

  void call(const engine::Arguments& arguments, const host::Caller& caller,
            engine::Call call) override {
    switch (call.operation()) {
      case CUSP_GEO_CLIENT: return answer(call, find(caller.client));
      case CUSP_GEO_CLIENT_ADDRESS: return call.answer({caller.client});
      default: return lookup(arguments.text(0), call);
    }
  }

 private:
  void lookup(std::string_view address, engine::Call& call) const {
    if (!parse_address(address)) {
      return call.fail(engine::CallFailure::kInvalid,
                       "this is no IP address, as \"192.0.2.1\" and \"2001:db8::1\" are");
    }
    answer(call, find(address));
  }

  edge::Place find(std::string_view address) const {
    return geo_ != nullptr ? geo_->find(address) : edge::Place();
  }

  const std::shared_ptr<const edge::Geo> geo_;  // shared with the shards
};

}  // namespace

std::shared_ptr<host::Capability> make_guest_geo(std::shared_ptr<const edge::Geo> geo) {
  return std::make_shared<GuestGeo>(std::move(geo));
}

}  // namespace cusp::node
