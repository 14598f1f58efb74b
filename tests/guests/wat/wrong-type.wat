;; wit: wrong-type.wit
;; world: wrong-type
;; Exports an interface of the right name whose function has the wrong type.
(module
  (func (export "wasi:http/incoming-handler@0.2.0#handle") (result i32) (i32.const 200)))
