namespace KvmBackup.Configuration;

/// <summary>Finds the name that a misspelled one most likely means.</summary>
public static class NearestName
{
    /// <summary>The most similar candidate; null when none is similar enough.</summary>
    public static string? Find(string typed, IEnumerable<string> candidates) =>
        candidates
            .Select(candidate => (Name: candidate, Distance: Distance(typed, candidate)))
            .Where(guess => guess.Distance <= Tolerance(typed, guess.Name))
            .OrderBy(guess => guess.Distance)
            .Select(guess => guess.Name)
            .FirstOrDefault();

    // A third of the letters may be wrong: a lower limit finds nothing for short keys, a higher one proposes nonsense.
    private static int Tolerance(string typed, string candidate) =>
        Math.Clamp(Math.Min(typed.Length, candidate.Length) / 3, 1, 3);

    /// <summary>Number of letters added, lost, changed or swapped with a neighbor; case-insensitive.</summary>
    private static int Distance(string left, string right)
    {
        (left, right) = (left.ToUpperInvariant(), right.ToUpperInvariant());
        int[,] cost = new int[left.Length + 1, right.Length + 1];
        for (int row = 0; row <= left.Length; row++)
        {
            for (int column = 0; column <= right.Length; column++)
            {
                cost[row, column] = row == 0 || column == 0 ? row + column : Step(cost, left, right, row, column);
            }
        }

        return cost[left.Length, right.Length];
    }

    private static int Step(int[,] cost, string left, string right, int row, int column)
    {
        int change = left[row - 1] == right[column - 1] ? 0 : 1;
        int best = Math.Min(
            Math.Min(cost[row - 1, column] + 1, cost[row, column - 1] + 1), cost[row - 1, column - 1] + change);
        bool isSwap = row > 1 && column > 1
            && left[row - 1] == right[column - 2] && left[row - 2] == right[column - 1];
        return isSwap ? Math.Min(best, cost[row - 2, column - 2] + 1) : best;
    }
}
