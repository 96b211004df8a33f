using System.CommandLine.Parsing;
using System.Globalization;

namespace KvmBackup.Cli;

/// <summary>An option whose value is an integer from 0 on.</summary>
internal static class NumberOption
{
    /// <param name="result">The value; receives the mistake.</param>
    /// <param name="unit">The unit, for the message.</param>
    /// <param name="most">The largest number.</param>
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
