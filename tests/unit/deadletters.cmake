weft_unit_test(account weft_streams)
weft_unit_test(deadletters weft_streams)
weft_unit_test(inspect weft_schemas)
