weft_unit_test(envelope weft_bridge)
weft_unit_test(lanes weft_bridge)
weft_unit_test(ledger weft_bridge)
weft_unit_test(offsets weft_bridge)
