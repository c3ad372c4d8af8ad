-- Operators move customers to another time zone. No row names that act yet.
ALTER TABLE operator_acts
    DROP CONSTRAINT operator_acts_act;
ALTER TABLE operator_acts
    ADD CONSTRAINT operator_acts_act
        CHECK (act IN ('adjust', 'retry', 'bonus', 'end', 'uncancel', 'move'));
