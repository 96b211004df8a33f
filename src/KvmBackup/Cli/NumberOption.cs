using System.CommandLine.Parsing;
using System.Globalization;

namespace KvmBackup.Cli;

/// <summary>A whole number from 0 on, as a word of the command line.</summary>
internal static class NumberOption
{
    /// <param name="result">Takes the mistake.</param>
    /// <param name="unit">What is counted.</param>
    /// <param name="most">The largest that is understood.</param>
    public static long Parse(ArgumentResult result, string unit, long most = long.MaxValue)
    {
        string word = result.Tokens[0].Value;
        if (long.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out long number) && number <= most)
        {
            return number;
        }

        string? option = (result.Parent as OptionResult)?.Option.Name;
        result.AddError($"{option} takes a number of {unit} from 0 on, not '{word}'.");
        return 0;
    }
}
